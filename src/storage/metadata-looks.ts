import { forEachAtOnce } from '../lib/at-once.js';
import { isStorageError } from './storage-error.js';
import { type Foreign, HEAD_BYTES, type Looks, looksOf, requireUnderstood } from './looks.js';
import type { Files } from './backend.js';
import { METADATA } from './handles.js';

const READS_IN_FLIGHT = 16;
/** Number of metadata files that show how a storage is written. They are spread over the listing. */
const SAMPLE = 16;
/** Number of metadata files that are opened to find out whether any is gzip'd. */
const MOST_LOOKED_AT = 1000;

/**
 * How the files of a storage are encoded, as its metadata shows. It looks only when needed, and remembers
 * the answer.
 */
export class MetadataLooks {
  private gzip: boolean;
  /** Metadata files that are not gzip'd. */
  private readonly others = new Set<string>();
  /** There are too many to look at all of them. */
  private perhaps = false;
  private addedAs: 'plain' | 'gzip' | undefined;

  /** `gzip`: any file that begins like gzip is gzip, without a look at the metadata. */
  constructor({ gzip = false } = {}) {
    this.gzip = gzip;
  }

  /** Tells how a metadata file looks that was read. */
  saw(isGzip: boolean): void {
    if (isGzip) this.gzip = true;
  }

  /**
   * Whether any metadata file is gzip'd. Then other files of the storage may be, too. `perhaps`: none of very many was
   * gzip'd, but there are more.
   */
  async hasGzip(files: Files): Promise<boolean | 'perhaps'> {
    if (this.gzip) return true;
    if (this.perhaps) return 'perhaps';
    const unknown = (await listIfThere(files)).filter((handle) => !this.others.has(handle));
    const some = spread(unknown, MOST_LOOKED_AT);
    await forEachAtOnce(READS_IN_FLIGHT, some, async (handle) => {
      if (this.gzip) return;
      if ((await looksOfFile(files, handle)) === 'gzip') this.gzip = true;
      else this.others.add(handle);
    });
    this.perhaps = unknown.length > some.length;
    return this.gzip || (this.perhaps && 'perhaps');
  }

  /**
   * How new files are written: like most files in a sample of the metadata, and gzip'd when the sample is
   * even. A new storage is plain.
   * @throws StorageError ENCODING_UNKNOWN
   */
  async added(files: Files): Promise<'plain' | 'gzip'> {
    if (this.addedAs) return this.addedAs;
    const handles = spread(await listIfThere(files), SAMPLE);
    const count = { plain: 0, gzip: 0 };
    const foreign: (Foreign & { handle: string })[] = [];
    await forEachAtOnce(READS_IN_FLIGHT, handles, async (handle) => {
      const looks = await looksOfFile(files, handle);
      if (looks === 'json') count.plain += 1;
      else if (looks === 'gzip') count.gzip += 1;
      else if (looks !== 'nothing') foreign.push({ handle, ...looks });
    });
    requireUnderstood(files.description, foreign, count.plain + count.gzip);
    if (count.plain + count.gzip === 0) return files.defaultEncoding ?? 'plain';
    this.addedAs = count.gzip >= count.plain ? 'gzip' : 'plain';
    return this.addedAs;
  }
}

/**
 * Handles of all metadata files, in no order. Empty for a storage without any. Links are listed, too:
 * those that lead out of the storage become errors when they are read.
 */
export async function listMetadata(files: Files): Promise<string[]> {
  const entries = await files.entries(METADATA);
  return entries.filter(({ isFolder }) => !isFolder).map(({ name }) => `${METADATA}/${name}`);
}

/** Empty for a missing storage. The next operation on it reports that. */
async function listIfThere(files: Files): Promise<string[]> {
  try {
    return (await listMetadata(files)).sort();
  } catch (error) {
    if (isStorageError(error, 'STORAGE_MISSING')) return [];
    throw error;
  }
}

/** `nothing` for a file that is gone or cannot be opened. Others report that. */
async function looksOfFile(files: Files, handle: string): Promise<Looks> {
  let head: Uint8Array = new Uint8Array(0);
  try {
    for await (const part of files.read(handle)) {
      head = head.length === 0 ? part : Buffer.concat([head, part]);
      if (head.length >= HEAD_BYTES) break;
    }
  } catch (error) {
    const skipped = isStorageError(error, 'NOT_FOUND', 'NAME_INVALID');
    if (!skipped) throw error;
  }
  return looksOf(head);
}

/** At most so many items of a list, spread from the first to the last. */
function spread(handles: readonly string[], most: number): string[] {
  if (handles.length <= most) return [...handles];
  const step = (handles.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, i) => handles[Math.round(i * step)]!);
}
