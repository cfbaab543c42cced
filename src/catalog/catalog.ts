import { forEachAtOnce } from '../at-once.js';
import { IDENTITY_FILE, type MetadataLine, parseMetadataFile } from '../aptos/files/metadata.js';
import { StorageError } from '../storage/errors.js';
import { METADATA, OWN_FOLDER } from '../storage/handles.js';
import type { BackupStorage } from '../storage/storage.js';
import { CatalogError } from './errors.js';

type Line<T extends MetadataLine['type']> = Extract<MetadataLine, { type: T }>;

/** A metadata line and the file it stands in. */
type Entry<T extends MetadataLine['type']> = Line<T> & { source: string };
export type EpochEndingEntry = Entry<'EpochEndingBackup'>;
export type StateSnapshotEntry = Entry<'StateSnapshotBackup'>;
export type TransactionEntry = Entry<'TransactionBackup'>;
export type BackupEntry = EpochEndingEntry | StateSnapshotEntry | TransactionEntry;

/** Something in a storage that is not as it should be. */
export interface Damage {
  /** Handle of the object. */
  object: string;
  why: string;
}

/**
 * Everything that the metadata of a storage names, sorted as the stock tool sorts (all fields in
 * order, then the manifest). Lines that say the same are one entry.
 */
export interface Catalog {
  epochEndings: EpochEndingEntry[];
  snapshots: StateSnapshotEntry[];
  transactions: TransactionEntry[];
  /** Lines and files that cannot be read. They hide nothing else. */
  damaged: Damage[];
  /** Metadata files listed. */
  files: number;
}

const READS_IN_FLIGHT = 16;
export const MAX_METADATA_BYTES = 256 * 1024 * 1024;
export const IDENTITY = `${METADATA}/${IDENTITY_FILE}`;
/** Files that every storage with backups of ours or of the stock tool has. */
const SIGNS_OF_LIFE = [`${OWN_FOLDER}/chain.json`, IDENTITY];

/**
 * Reads the whole metadata. Never writes. @throws StorageError STORAGE_MISSING when there is no
 * storage; CatalogError when a listing that cannot be empty is
 */
export async function readCatalog(storage: BackupStorage, signal?: AbortSignal): Promise<Catalog> {
  const handles = (await storage.listMetadata()).sort();
  if (handles.length === 0) await refuseEmptyListing(storage, signal);
  const lines: (MetadataLine & { source: string })[] = [];
  const damaged: Damage[] = [];
  await forEachAtOnce(READS_IN_FLIGHT, handles, async (handle) => {
    const bytes = await readListed(storage, handle, damaged, signal);
    if (!bytes) return;
    const parsed = parseMetadataFile(bytes);
    for (const line of parsed.lines) lines.push({ ...line, source: handle });
    for (const error of parsed.errors) damaged.push({ object: handle, why: error.message });
  });
  return {
    epochEndings: sorted(lines, 'EpochEndingBackup', (l) => [
      l.firstEpoch,
      l.lastEpoch,
      l.firstVersion,
      l.lastVersion,
    ]),
    snapshots: sorted(lines, 'StateSnapshotBackup', (l) => [l.epoch, l.version]),
    transactions: sorted(lines, 'TransactionBackup', (l) => [l.firstVersion, l.lastVersion]),
    damaged: damaged.sort((a, b) => (a.object < b.object ? -1 : 1)),
    files: handles.length,
  };
}

async function refuseEmptyListing(storage: BackupStorage, signal?: AbortSignal): Promise<void> {
  for (const handle of SIGNS_OF_LIFE) {
    if ((await storage.size(handle)) === undefined) continue;
    signal?.throwIfAborted();
    throw new CatalogError(
      `${storage.description} lists no metadata, but ${handle} is there: the listing is taken for an outage, nothing is done. If the backups were removed on purpose, remove ${handle} too`,
    );
  }
}

/** A file that vanished since the listing was compacted away: its lines stand elsewhere. */
async function readListed(
  storage: BackupStorage,
  handle: string,
  damaged: Damage[],
  signal?: AbortSignal,
): Promise<Uint8Array | undefined> {
  try {
    return await storage.readAll(handle, MAX_METADATA_BYTES, signal);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    if (error.code === 'NOT_FOUND') return undefined;
    if (error.code !== 'TOO_LARGE' && error.code !== 'NAME_INVALID') throw error;
    damaged.push({ object: handle, why: error.message });
    return undefined;
  }
}

function sorted<T extends BackupEntry['type']>(
  lines: (MetadataLine & { source: string })[],
  type: T,
  order: (entry: Entry<T>) => bigint[],
): Entry<T>[] {
  const unique = new Map<string, { entry: Entry<T>; key: bigint[]; manifest: string }>();
  for (const line of lines) {
    if (line.type !== type) continue;
    const entry = line as Entry<T>;
    const key = order(entry);
    const { manifest, source } = line;
    const same = `${key.join()} ${manifest}`;
    const known = unique.get(same)?.entry as BackupEntry | undefined;
    // Readers finish in any order; the listing's order decides.
    if (!known || source < known.source) unique.set(same, { entry, key, manifest });
  }
  return [...unique.values()]
    .sort((a, b) => compare(a.key, b.key) || (a.manifest < b.manifest ? -1 : 1))
    .map(({ entry }) => entry);
}

function compare(a: readonly bigint[], b: readonly bigint[]): number {
  for (let i = 0; i < a.length; i += 1) {
    if (a[i] !== b[i]) return a[i]! < b[i]! ? -1 : 1;
  }
  return 0;
}
