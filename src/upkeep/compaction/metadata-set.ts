import { createHash } from 'node:crypto';
import { AptosDataError, parseMetadataLine } from '../../aptos/index.js';
import { forEachAtOnce } from '../../lib/at-once.js';
import { readKnownCatalog } from '../../repository/catalog.js';
import { MAX_METADATA_BYTES } from '../../repository/metadata-file.js';
import { isStorageError } from '../../storage/storage-error.js';
import { requireUnderstood, type Foreign, looksOf } from '../../storage/looks.js';
import type { BackupStorage } from '../../storage/storage.js';
import { type RawLine, rawLineOf } from './raw-lines.js';

const READS_IN_FLIGHT = 16;
/** Another compactor may move files while we read. */
const MOST_LISTINGS = 5;
const NEWLINE = 0x0a;
/** No clock shows this many seconds. A larger number would leave no room for the next one. */
const MOST_SECONDS = 2n ** 40n;

/** A line in which a compaction wrote down since when it knows that files are replaced. */
export interface Stamps {
  /** Unix seconds. */
  at: bigint;
  /** By handle, unix seconds. */
  stamps: ReadonlyMap<string, bigint | null>;
  source: string;
}

/** A metadata file as it was read. */
export interface ReadFile {
  handle: string;
  /** Digest of its content. */
  sha256: string;
  lines: RawLine[];
  stamps: Stamps[];
  /** It has the line that the stock tool writes into a new storage. Such a file is never moved. */
  hasIdentity: boolean;
  /** Why nobody may touch it: its content, or a part of it, is not understood. */
  problem?: string;
}

/** All metadata files of a storage, by handle, sorted. */
export type MetadataSet = ReadonlyMap<string, ReadFile>;

/**
 * Reads all metadata, line by line. A file that vanishes meanwhile was moved by another compactor, so everything is
 * listed and read again. @throws CatalogError when the listing lacks what was known to be there; StorageError
 */
export async function readMetadataSet(
  storage: BackupStorage,
  report: (phase: string) => void,
): Promise<MetadataSet> {
  for (let listing = 1; ; listing += 1) {
    await readKnownCatalog(storage); // refuses a listing that lacks what was committed
    const handles = (await storage.listMetadata()).sort();
    const found: (ReadFile | undefined)[] = [];
    const foreign: (Foreign & { handle: string })[] = [];
    await forEachAtOnce(READS_IN_FLIGHT, handles, async (handle, index) => {
      if (index % 1000 === 0) report(`read metadata, ${index} of ${handles.length} files`);
      const { file, looks } = await readFile(storage, handle);
      found[index] = file;
      if (looks) foreign.push({ handle, ...looks });
    });
    const files = found.filter((file) => file !== undefined);
    if (files.length < handles.length && listing < MOST_LISTINGS) continue;
    requireUnderstood(storage.description, foreign, handles.length - foreign.length);
    return new Map(files.map((file) => [file.handle, file]));
  }
}

async function readFile(
  storage: BackupStorage,
  handle: string,
): Promise<{ file?: ReadFile; looks?: Foreign }> {
  const nothing = { handle, sha256: '', lines: [], stamps: [], hasIdentity: false };
  try {
    const file = understand(handle, await storage.readAll(handle, MAX_METADATA_BYTES));
    return file;
  } catch (error) {
    if (isStorageError(error, 'NOT_FOUND')) return {};
    if (!isStorageError(error, 'TOO_LARGE', 'NAME_INVALID', 'DAMAGED')) throw error;
    return { file: { ...nothing, problem: error.message } };
  }
}

function understand(handle: string, bytes: Uint8Array): { file: ReadFile; looks?: Foreign } {
  const file: ReadFile = {
    handle,
    sha256: digestOf(bytes),
    lines: [],
    stamps: [],
    hasIdentity: false,
  };
  const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let number = 1, at = 0; at < content.length; number += 1) {
    const newline = content.indexOf(NEWLINE, at);
    const end = newline === -1 ? content.length : newline;
    try {
      takeLine(file, content.subarray(at, end));
    } catch (error) {
      if (!(error instanceof AptosDataError)) throw error;
      file.problem ??= `line ${number}: ${error.message}`;
    }
    at = end + 1;
  }
  if (content.length === 0) file.problem = 'it is empty';
  const isUnknown = file.lines.length + file.stamps.length === 0 && !file.hasIdentity;
  const looks = isUnknown ? looksOf(bytes) : 'json';
  return typeof looks === 'object' ? { file, looks } : { file };
}

function takeLine(file: ReadFile, bytes: Buffer): void {
  const line = parseMetadataLine(bytes.toString('utf8'));
  if (line.type === 'Identity') {
    file.hasIdentity = true;
  } else if (line.type === 'CompactionTimestamps') {
    const { fileCompactedAt: at, compactionTimestamps: stamps } = line;
    if (at > MOST_SECONDS) file.problem ??= `no clock shows ${at} seconds`;
    else file.stamps.push({ at, stamps, source: file.handle });
  } else {
    file.lines.push(rawLineOf(line, bytes.toString('latin1'), file.handle)!);
  }
}

export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
