import { type Stats, lstat } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { forEachAtOnce } from '../../lib/at-once.js';
import type { Call, StampedFile } from '../backend.js';
import { isCode } from './local-errors.js';
import { isTemporaryName } from './local-leftovers.js';

/** Few, so that a file system that hangs does not take all threads that Node.js has for files. */
const LOOKS_AT_ONCE = 3;
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
export async function stampsIn(folder: string, { signal, progress }: Call): Promise<StampedFile[]> {
  const found: StampedFile[] = [];
  const now = Date.now();
  const names = await readSteadily(folder, () => readdir(folder));
  await forEachAtOnce(LOOKS_AT_ONCE, names, async (name) => {
    signal.throwIfAborted();
    const looked = await lookAt(path.join(folder, name));
    progress();
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
function strayOf(name: string, looked: Stats | undefined, now: number): string | undefined {
  if (!looked) return undefined;
  if (looked.isDirectory()) return 'a folder';
  if (!looked.isFile() && !looked.isSymbolicLink()) return 'no file';
  if (!name.startsWith('.') || looked.size === 0) return undefined;
  if (!isTemporaryName(name)) return 'a hidden file';
  // Somebody may be writing it just now.
  return looked.mtimeMs < now - WRITING_MS ? 'an unfinished file of a writer that died' : undefined;
}

/**
 * Without the number of the file: some shares give a file another one at each look. Undefined for a link, and for a
 * file that has just changed.
 */
function stampOf(looked: Stats, now: number): string | undefined {
  const { size, mtimeMs, ctimeMs } = looked;
  if (!looked.isFile() || ctimeMs > now - YOUNG_MS) return undefined;
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

/** Undefined when the file is gone. With a callback, because a promise of Node.js takes much longer. */
function lookAt(file: string): Promise<Stats | undefined> {
  return new Promise((resolve, reject) =>
    lstat(file, (error, looked) => {
      if (!error) resolve(looked);
      else if (isCode(error, 'ENOENT')) resolve(undefined);
      else reject(error);
    }),
  );
}
