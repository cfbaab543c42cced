import { createHash } from 'node:crypto';
import {
  AptosDataError,
  decodeEpochEndingManifest,
  decodeStateSnapshotManifest,
  decodeTransactionManifest,
  encodeMetadataLine,
  type JsonObject,
  MAX_MANIFEST_BYTES,
  parseMetadataFile,
} from '../../aptos/index.js';
import type { Skipped } from '../../contract/answers/copy-answers.js';
import type { CopyTaskResult, CopyUnit } from '../../contract/copying.js';
import type { BackupType } from '../../contract/job.js';
import { codeOf, entryOf } from '../../errors/catalogue.js';
import {
  type BackupEntry,
  type Catalog,
  entriesOf,
  readCatalog,
} from '../../repository/catalog.js';
import { ownFile } from '../../repository/unit-folder.js';
import { RESERVED } from '../../storage/handles.js';
import { StorageError } from '../../storage/storage-error.js';
import type { BackupStorage } from '../../storage/storage.js';
import { folderOf } from '../../repository/proven-record.js';

/** A chunk as its manifest names it. */
export interface NamedChunk {
  file: string;
  /** Epoch endings have none. */
  proof?: string;
  extra?: JsonObject;
}

/** What a manifest of any kind names. */
export interface NamedFiles {
  chunks: NamedChunk[];
  /** The proof of a snapshot's root. */
  root?: string;
}

/** A metadata line, as it stands in a unit and as two storages are compared. */
export function lineOf(entry: BackupEntry): string {
  return Buffer.from(encodeMetadataLine(entry)).toString('utf8');
}

/** The entry of a unit. */
export function entryOfUnit({ line, source }: CopyUnit): BackupEntry {
  const [parsed] = parseMetadataFile(Buffer.from(line)).lines;
  if (!parsed || !('manifest' in parsed)) throw new Error('a unit without a line of a backup');
  return { ...parsed, source };
}

/** First and last of a backup, as verifications name them. */
export function namesOf(entry: BackupEntry): { first: string; last: string } {
  switch (entry.type) {
    case 'EpochEndingBackup':
      return { first: `${entry.firstEpoch}`, last: `${entry.lastEpoch}` };
    case 'TransactionBackup':
      return { first: `${entry.firstVersion}`, last: `${entry.lastVersion}` };
    case 'StateSnapshotBackup':
      return { first: `${entry.epoch}`, last: `${entry.version}` };
  }
}

/** @throws AptosDataError MANIFEST_INVALID, JSON_INVALID */
export function decodeNamed(type: BackupType, manifest: Uint8Array): NamedFiles {
  switch (type) {
    case 'epoch_ending': {
      const { chunks } = decodeEpochEndingManifest(manifest);
      return { chunks: chunks.map((c) => ({ ...c, file: c.ledgerInfos })) };
    }
    case 'transaction': {
      const { chunks } = decodeTransactionManifest(manifest);
      return { chunks: chunks.map((c) => ({ ...c, file: c.transactions })) };
    }
    case 'state_snapshot': {
      const { chunks, proof } = decodeStateSnapshotManifest(manifest);
      return { chunks: chunks.map((c) => ({ ...c, file: c.blobs })), root: proof };
    }
  }
}

/** Reads the manifest of a backup of the source. @throws AptosDataError, StorageError */
export async function readNamed(
  from: BackupStorage,
  type: BackupType,
  manifest: string,
): Promise<NamedFiles & { bytes: Uint8Array; sha256: string }> {
  requireOwnFolder(manifest, [manifest]);
  const bytes = await from.readAll(manifest, MAX_MANIFEST_BYTES);
  const named = decodeNamed(type, bytes);
  const files = named.chunks.flatMap(({ file, proof }) => (proof ? [file, proof] : [file]));
  requireOwnFolder(manifest, named.root === undefined ? files : [...files, named.root]);
  return { ...named, bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/**
 * Anybody may have written a manifest: its files must not lead into another backup, our own files or metadata of the
 * target. @throws StorageError NAME_INVALID
 */
function requireOwnFolder(manifest: string, files: readonly string[]): void {
  const folder = folderOf({ manifest });
  const place =
    folder === '' || folder.includes('/') || RESERVED.has(folder) ? manifest : undefined;
  const stray = files.find((file) => {
    const name = file.slice(folder.length + 1);
    return !file.startsWith(`${folder}/`) || name.includes('/') || ownFile(name) !== undefined;
  });
  const wrong = place ?? stray;
  if (wrong === undefined) return;
  const why = `${JSON.stringify(wrong)}, which ${manifest} names, is not a file of that backup's own folder`;
  throw new StorageError('NAME_INVALID', wrong, why);
}

/** The reason why a backup is skipped, if an error is one. @throws the error, if it is none: a storage is away */
export function skippedFor(manifest: string, error: unknown): Skipped {
  const code = codeOf(error);
  const finding = code && entryOf(code).finding;
  const isObject = error instanceof AptosDataError || error instanceof StorageError;
  if (!isObject || finding === undefined) throw error;
  const object = error instanceof StorageError && error.handle !== '' ? error.handle : manifest;
  return { manifest, object, code: finding, why: error.message };
}

/** Whether metadata of the source still names a backup. A retired one may lose its files at any time. */
export async function isStillNamed(
  from: BackupStorage,
  type: BackupType,
  manifest: string,
): Promise<boolean> {
  return names(await readCatalog(from), type, manifest);
}

function names(catalog: Catalog, type: BackupType, manifest: string): boolean {
  return entriesOf(catalog, type).some((entry) => entry.manifest === manifest);
}

/**
 * Tells backups that the source has removed meanwhile from those that are bad. It looks at all metadata, so it is not
 * for a thread of its own: that would read all of it anew.
 */
export async function sortOutGone(
  from: BackupStorage,
  units: readonly CopyUnit[],
  result: CopyTaskResult,
): Promise<CopyTaskResult> {
  if (result.bad.length === 0) return result;
  const catalog = await readCatalog(from);
  const isNamed = ({ unit }: { unit: number }) => {
    const { type, manifest } = units[unit]!;
    return names(catalog, type, manifest);
  };
  const gone = result.bad.filter((one) => !isNamed(one)).map(({ unit }) => unit);
  return { ...result, bad: result.bad.filter(isNamed), gone: [...result.gone, ...gone] };
}
