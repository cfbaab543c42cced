import { IDENTITY_FILE, type MetadataLine, parseMetadataFile } from '../aptos/index.js';
import { METADATA } from '../storage/handles.js';
import { StorageError, isStorageError } from '../storage/storage-error.js';
import { type Foreign, looksOf } from '../storage/looks.js';
import type { BackupStorage } from '../storage/storage.js';

export const IDENTITY = `${METADATA}/${IDENTITY_FILE}`;
export const MAX_METADATA_BYTES = 256 * 1024 * 1024;

export interface MetadataFile {
  lines: MetadataLine[];
  /** The problems of its lines. */
  errors: string[];
  /** Why its content is unknown. Such a file must stay where it is. A torn line is no such reason. */
  undecodable?: string;
  /** What it looks like, if it is neither JSON nor gzip. */
  foreign?: Foreign;
}

/**
 * Reads the good lines of a metadata file; undefined when there is no such file.
 * @throws StorageError when the storage is away
 */
export async function readMetadataFile(
  storage: BackupStorage,
  handle: string,
): Promise<MetadataFile | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await storage.readMetadata(handle, MAX_METADATA_BYTES);
  } catch (error) {
    if (isStorageError(error, 'NOT_FOUND')) return undefined;
    if (!isStorageError(error, 'TOO_LARGE', 'NAME_INVALID', 'DAMAGED')) throw error;
    return unknown(error.message);
  }
  const { lines, errors } = parseMetadataFile(bytes);
  if (lines.length === 0) {
    const looks = looksOf(bytes);
    // Content that still looks compressed after decompression is as unknown as the rest.
    const foreign = looks === 'gzip' ? { like: 'gzip in gzip', packed: true } : looks;
    if (typeof foreign === 'object') {
      const why = `it looks like ${foreign.like}; metadata is JSON, plain or gzip'd`;
      return { ...unknown(why), foreign };
    }
    // It is JSON, but of a kind that this version does not know.
    const other = errors.find(({ code }) => code === 'METADATA_INVALID');
    if (other) return { ...unknown(other.message), errors: errors.map(({ message }) => message) };
  }
  return { lines, errors: errors.map(({ message }) => message) };
}

/**
 * Adds a metadata file and reads it back, for somebody who is about to move away files that hold the same lines.
 * @throws StorageError as `saveMetadata` of the storage; DAMAGED when it reads back as something else
 */
export async function saveAndReadBack(
  storage: BackupStorage,
  name: string,
  content: Uint8Array,
): Promise<void> {
  const { handle } = await storage.saveMetadata(name, content);
  if (await storage.hasContent(handle, content)) return;
  const why = `${handle} in ${storage.description} was written, and reads back as something else; nothing was moved away. Check the storage, then move this file out of metadata/`;
  throw new StorageError('DAMAGED', handle, why);
}

/** Ranges in the names that the stock tool and ours give to files with lines of one kind. */
const NAMED =
  /^metadata\/(epoch_ending|transaction)_(?:compacted_)?(\d{1,20})-(\d{1,20})(?:\.[0-9a-f]{1,16})?\.meta$/;

/** The range in the name of a file. It is all that is known of a file that cannot be decoded. */
export function rangeOfName(handle: string) {
  const [, kind, first, last] = NAMED.exec(handle) ?? [];
  if (first === undefined || last === undefined) return undefined;
  return { kind: kind as 'epoch_ending' | 'transaction', first: BigInt(first), last: BigInt(last) };
}

const COMPACTED = /^metadata\/(?:epoch_ending|transaction|state_snapshot)_compacted_/;

/** Whether the name of a file is that of one which a compaction makes. */
export function isCompacted(handle: string): boolean {
  return COMPACTED.test(handle);
}

/** The error for a file that only people can judge. */
export function leftAlone(storage: BackupStorage, handle: string, why: string): StorageError {
  const said = why.includes(handle) ? why : `${handle} in ${storage.description}: ${why}`;
  const todo = `its content is unknown, so it was left alone. Repair it, or move it out of metadata/`;
  return new StorageError('DAMAGED', handle, `${said}; ${todo}`);
}

function unknown(why: string): MetadataFile {
  return { lines: [], errors: [why], undecodable: why };
}
