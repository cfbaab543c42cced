import { constants } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import type { Call, StampedFile } from '../backend.js';
import { isCode } from './local-errors.js';
import { isTemporaryName } from './local-leftovers.js';
import { type Look, lookAtEntries } from './look-at-entries.js';

/**
 * A file that changed in this time may change again without another stamp: file systems count time in steps, of two
 * seconds at most.
 */
const YOUNG_MS = 2000;
const MOST_READINGS = 5;
/** Metadata files are small: none takes that long to write. */
const WRITING_MS = 60 * 60_000;

/**
 * All files and links directly in a folder, with their stamps, and all else that the stock tool would list there, as
 * strays. Empty for a missing folder.
 */
export async function stampsIn(folder: string, call: Call): Promise<StampedFile[]> {
  const found: StampedFile[] = [];
  const now = Date.now();
  const names = await readSteadily(folder, () => readdir(folder));
  await lookAtEntries(folder, names, call, (name, looked) => {
    const stray = strayOf(name, looked, now);
    if (stray !== undefined) found.push({ name, bytes: undefined, stamp: undefined, stray });
    if (stray !== undefined || name.startsWith('.')) return;
    // A file that is gone since then is listed as well: whoever reads it must know that the listing is old.
    found.push({
      name,
      bytes: looked && BigInt(looked.size),
      stamp: looked && stampOf(looked, now),
    });
  });
  return found;
}

/** What the stock tool cannot read as metadata, although it lists it. An empty file has no lines, and harms nobody. */
function strayOf(name: string, looked: Look | undefined, now: number): string | undefined {
  if (!looked) return undefined;
  const kind = kindOf(looked);
  if (kind === constants.S_IFDIR) return 'a folder';
  if (kind !== constants.S_IFREG && kind !== constants.S_IFLNK) return 'no file';
  if (!name.startsWith('.') || looked.size === 0) return undefined;
  if (!isTemporaryName(name)) return 'a hidden file';
  // Somebody may be writing it just now.
  return looked.mtimeMs < now - WRITING_MS ? 'an unfinished file of a writer that died' : undefined;
}

/**
 * Without the number of the file: some shares give a file another one at each look. Undefined for a link, and for a
 * file that has just changed.
 */
function stampOf(looked: Look, now: number): string | undefined {
  const { size, mtimeMs, ctimeMs } = looked;
  if (kindOf(looked) !== constants.S_IFREG || ctimeMs > now - YOUNG_MS) return undefined;
  return `${size} ${mtimeMs} ${ctimeMs}`;
}

/**
 * Reads all names in a folder. The system reads a large folder in parts: where a file was made and others were removed
 * in between, it may show neither of them. The time of the folder tells that, and then `read` is called again. Empty for
 * a missing folder.
 */
export async function readSteadily<T>(folder: string, read: () => Promise<T[]>): Promise<T[]> {
  try {
    for (let reading = 1; ; reading += 1) {
      const before = await stat(folder, { bigint: true });
      const found = await read();
      const after = await stat(folder, { bigint: true });
      if (before.ctimeNs === after.ctimeNs || reading === MOST_READINGS) return found;
    }
  } catch (error) {
    if (isCode(error, 'ENOENT')) return [];
    throw error;
  }
}

function kindOf({ mode }: Look): number {
  return mode & constants.S_IFMT;
}
