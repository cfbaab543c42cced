import type { StorageBackend } from '../backend.js';
import { storageDeadlineMs, withDeadlines } from '../deadlines.js';
import { StorageError, isStorageError } from '../storage-error.js';
import {
  INDEX_FILE,
  MAX_INDEX_BYTES,
  type MetadataIndex,
  decodeIndex,
  timeOfIndex,
} from './metadata-index.js';

/** The index of a storage. What it names is read when somebody asks: most readers need a few files by name alone. */
export interface StoredIndex {
  /** When the metadata was listed, in unix milliseconds. */
  at: number;
  /** @throws StorageError DAMAGED */
  files(): Promise<MetadataIndex['files']>;
}

/** Enough to decode its first line. A part of an answer may be smaller. */
const BEGIN_BYTES = 4096;

/** The index that this process read last: a verification opens the storage anew for each task. */
let last: { key: string; files: Promise<MetadataIndex['files']> } | undefined;

/** The index in a storage; undefined when there is none, or we may not read it. @throws StorageError DAMAGED */
export async function findIndex(
  backend: StorageBackend,
  signal: AbortSignal | undefined,
): Promise<StoredIndex | undefined> {
  const files = withDeadlines(backend, storageDeadlineMs(), signal);
  try {
    const stat = await files.stat(INDEX_FILE);
    if (!stat) return undefined;
    const at = await orDamaged(backend, async () =>
      timeOfIndex(await upTo(BEGIN_BYTES, files.read(INDEX_FILE))),
    );
    const key = `${backend.id} ${stat.stamp}`;
    const read = async () => {
      // What is cut off is damaged.
      const bytes = await upTo(MAX_INDEX_BYTES, files.read(INDEX_FILE));
      return (await orDamaged(backend, () => decodeIndex(bytes))).files;
    };
    return {
      at,
      files() {
        // Another job reads it. If that job ends before, we read it ourselves.
        if (last?.key === key) return last.files.catch(read);
        const reading = read();
        last = { key, files: reading };
        reading.catch(() => (last = undefined));
        return reading;
      },
    };
  } catch (error) {
    if (isStorageError(error, 'DENIED', 'STORAGE_MISSING', 'NOT_FOUND')) return undefined;
    throw error;
  }
}

/** The parts of a file until they have so many bytes, or all of them. */
async function upTo(enough: number, parts: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const read: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of parts) {
    read.push(part);
    bytes += part.length;
    if (bytes >= enough) break;
  }
  return Buffer.concat(read);
}

async function orDamaged<T>({ description }: StorageBackend, decode: () => Promise<T>): Promise<T> {
  try {
    return await decode();
  } catch (error) {
    if (error instanceof StorageError) throw error;
    const why = `${INDEX_FILE} in ${description} is damaged (${(error as Error).message}); publish it anew with "aptos-backup repository index", with credentials that may list and write`;
    throw new StorageError('DAMAGED', INDEX_FILE, why, { cause: error });
  }
}
