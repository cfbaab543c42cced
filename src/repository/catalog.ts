import { forEachAtOnce } from '../lib/at-once.js';
import type { MetadataLine } from '../aptos/index.js';
import type { BackupType } from '../contract/job.js';
import type { Span } from '../lib/spans.js';
import type { Foreign } from '../storage/looks.js';
import type { BackupStorage } from '../storage/storage.js';
import { listKnownMetadata, refuseEmptyListing } from './known-metadata.js';
import { readMetadataFile } from './metadata-file.js';

type Line<T extends MetadataLine['type']> = Extract<MetadataLine, { type: T }>;

/** A metadata line and the file that holds it. */
type Entry<T extends MetadataLine['type']> = Line<T> & { source: string };
export type EpochEndingEntry = Entry<'EpochEndingBackup'>;
export type StateSnapshotEntry = Entry<'StateSnapshotBackup'>;
export type TransactionEntry = Entry<'TransactionBackup'>;
export type BackupEntry = EpochEndingEntry | StateSnapshotEntry | TransactionEntry;

/** A damaged object in a storage. */
export interface Damage {
  /** Handle of the object. */
  object: string;
  why: string;
}

/**
 * Everything that the metadata of a storage names, in the order of the stock tool (by all fields in
 * order, then by manifest). Equal lines are one entry.
 */
export interface Catalog {
  epochEndings: EpochEndingEntry[];
  snapshots: StateSnapshotEntry[];
  transactions: TransactionEntry[];
  /** Lines and files that cannot be read. The rest of the catalog is not affected. */
  damaged: Damage[];
  /** Those of them that are neither JSON nor gzip. Others may be able to read them. */
  foreign: (Foreign & { handle: string })[];
  /** Handles of all files of which only the name is known. */
  undecodable: string[];
  /** Number of listed metadata files. */
  files: number;
}

/** All backups of a kind, in order. */
export function entriesOf(catalog: Catalog, type: BackupType): readonly BackupEntry[] {
  const { epochEndings, snapshots, transactions } = catalog;
  return { epoch_ending: epochEndings, state_snapshot: snapshots, transaction: transactions }[type];
}

/** The epochs or versions of a backup. */
export function spanOfEntry(entry: BackupEntry): Span {
  switch (entry.type) {
    case 'EpochEndingBackup':
      return { first: entry.firstEpoch, last: entry.lastEpoch };
    case 'StateSnapshotBackup':
      return { first: entry.epoch, last: entry.epoch };
    case 'TransactionBackup':
      return { first: entry.firstVersion, last: entry.lastVersion };
  }
}

const READS_IN_FLIGHT = 16;

/**
 * Reads the whole metadata. Never writes.
 * @throws StorageError STORAGE_MISSING when there is no storage; CatalogError when a listing is empty
 * that cannot be
 */
export async function readCatalog(storage: BackupStorage): Promise<Catalog> {
  const handles = await storage.listMetadata();
  if (handles.length === 0) await refuseEmptyListing(storage);
  return readFiles(storage, handles.sort());
}

/**
 * The same for whoever is going to write or to remove something. @throws CatalogError also when the listing lacks
 * what was known to be there
 */
export async function readKnownCatalog(storage: BackupStorage): Promise<Catalog> {
  const handles = await listKnownMetadata(storage);
  if (handles.length === 0) await refuseEmptyListing(storage);
  return readFiles(storage, handles.sort());
}

async function readFiles(storage: BackupStorage, handles: readonly string[]): Promise<Catalog> {
  const lines: (MetadataLine & { source: string })[] = [];
  const damaged: Damage[] = [];
  const foreign: Catalog['foreign'] = [];
  const undecodable: string[] = [];
  await forEachAtOnce(READS_IN_FLIGHT, handles, async (handle) => {
    const file = await readMetadataFile(storage, handle);
    if (!file) return; // removed after the listing: a compaction has put its lines into another file
    for (const line of file.lines) lines.push({ ...line, source: handle });
    for (const why of file.errors) damaged.push({ object: handle, why });
    if (file.undecodable !== undefined) undecodable.push(handle);
    if (file.foreign) foreign.push({ handle, ...file.foreign });
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
    foreign: foreign.sort((a, b) => (a.handle < b.handle ? -1 : 1)),
    undecodable: undecodable.sort(),
    files: handles.length,
  };
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
    // Readers finish in any order, so the order of the listing decides.
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
