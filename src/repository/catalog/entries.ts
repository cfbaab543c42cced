import type { MetadataLine } from '../../aptos/index.js';
import type { BackupType } from '../../contract/job.js';
import type { Span } from '../../lib/spans.js';
import { compareU64 } from '../../lib/u64.js';
import type { Foreign } from '../../storage/looks.js';

type Line<T extends MetadataLine['type']> = Extract<MetadataLine, { type: T }>;

/** A metadata line and a file that holds it. Others may hold it, too: `holdersOf` names all. */
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
 * order, then by manifest). Equal lines are one entry. Entries are shared: do not change them.
 */
export interface Catalog {
  epochEndings: EpochEndingEntry[];
  snapshots: StateSnapshotEntry[];
  transactions: TransactionEntry[];
  /** Of lines that are in several files: all but the `source` of their entry. Absent where nothing is listed. */
  alsoIn?: ReadonlyMap<BackupEntry, readonly string[]>;
  /** Lines and files that cannot be read. The rest of the catalog is not affected. */
  damaged: Damage[];
  /** Those of them that are neither JSON nor gzip. Others may be able to read them. */
  foreign: (Foreign & { handle: string })[];
  /** What lies among metadata files and is none: the stock tool lists it, and then loads nothing. We leave it out. */
  strays?: readonly Damage[];
  /** Handles of all files of which only the name is known. */
  undecodable: string[];
  /** Number of listed metadata files. */
  files: number;
}

/** What one metadata file says. */
export interface FileContent {
  handle: string;
  /** In the order of the file. Lines that name no backup are left out. */
  entries: readonly BackupEntry[];
  /** Set for a file that cannot be read, or not all of it. */
  problems?: { errors: string[]; undecodable: boolean; foreign?: Foreign } | undefined;
}

/** All backups of a kind, in order. */
export function entriesOf(catalog: Catalog, type: BackupType): readonly BackupEntry[] {
  const { epochEndings, snapshots, transactions } = catalog;
  return { epoch_ending: epochEndings, state_snapshot: snapshots, transaction: transactions }[type];
}

/** All metadata files that hold the line of an entry. After a compaction, these are two or more for a day. */
export function holdersOf({ alsoIn }: Catalog, entry: BackupEntry): string[] {
  return [entry.source, ...(alsoIn?.get(entry) ?? [])];
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

/** Puts together what all metadata files say. */
export function catalogOf(files: readonly FileContent[]): Catalog {
  const catalog: Catalog = {
    epochEndings: [],
    snapshots: [],
    transactions: [],
    damaged: [],
    foreign: [],
    undecodable: [],
    files: files.length,
  };
  for (const { handle, entries, problems } of files) {
    for (const entry of entries) {
      if (entry.type === 'EpochEndingBackup') catalog.epochEndings.push(entry);
      else if (entry.type === 'StateSnapshotBackup') catalog.snapshots.push(entry);
      else catalog.transactions.push(entry);
    }
    if (!problems) continue;
    for (const why of problems.errors) catalog.damaged.push({ object: handle, why });
    if (problems.undecodable) catalog.undecodable.push(handle);
    if (problems.foreign) catalog.foreign.push({ handle, ...problems.foreign });
  }
  const alsoIn = new Map<BackupEntry, string[]>();
  catalog.epochEndings = inOrder(catalog.epochEndings, alsoIn);
  catalog.snapshots = inOrder(catalog.snapshots, alsoIn);
  catalog.transactions = inOrder(catalog.transactions, alsoIn);
  catalog.alsoIn = alsoIn;
  catalog.damaged.sort((a, b) => compareText(a.object, b.object));
  catalog.foreign.sort((a, b) => compareText(a.handle, b.handle));
  catalog.undecodable.sort();
  return catalog;
}

/** Sorted, and each line once: from the file whose handle comes first. Notes in `alsoIn` the others. */
function inOrder<E extends BackupEntry>(entries: E[], alsoIn: Map<BackupEntry, string[]>): E[] {
  entries.sort((a, b) => compareEntries(a, b) || compareText(a.source, b.source));
  const once: E[] = [];
  for (const entry of entries) {
    const before = once.at(-1);
    if (!before || compareEntries(before, entry) !== 0) {
      once.push(entry);
      continue;
    }
    const others = alsoIn.get(before) ?? [];
    const last = others.at(-1) ?? before.source;
    if (entry.source !== last) alsoIn.set(before, [...others, entry.source]);
  }
  return once;
}

/** 0 for equal lines, from whatever files. Both must be of one kind. */
export function compareEntries(a: BackupEntry, b: BackupEntry): number {
  if (a.type === 'EpochEndingBackup' && b.type === 'EpochEndingBackup') {
    const epochs = compareU64(a.firstEpoch, b.firstEpoch) || compareU64(a.lastEpoch, b.lastEpoch);
    if (epochs !== 0) return epochs;
  }
  if (a.type === 'StateSnapshotBackup' || b.type === 'StateSnapshotBackup') {
    const [one, other] = [a as StateSnapshotEntry, b as StateSnapshotEntry];
    const order = compareU64(one.epoch, other.epoch) || compareU64(one.version, other.version);
    return order || compareText(a.manifest, b.manifest);
  }
  return (
    compareU64(a.firstVersion, b.firstVersion) ||
    compareU64(a.lastVersion, b.lastVersion) ||
    compareText(a.manifest, b.manifest)
  );
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
