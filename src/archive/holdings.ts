import type {
  Catalog,
  EpochEndingEntry,
  StateSnapshotEntry,
  TransactionEntry,
} from '../repository/catalog.js';

/** Backups that are sorted by where they begin, and may overlap. */
class Ranges<E> {
  /** The highest last number of the entries up to each. */
  private readonly reach: bigint[] = [];

  constructor(
    private readonly entries: readonly E[],
    private readonly span: (entry: E) => { first: bigint; last: bigint },
  ) {
    for (const entry of entries) {
      const { last } = span(entry);
      const before = this.reach.at(-1) ?? -1n;
      this.reach.push(last > before ? last : before);
    }
  }

  get last(): bigint | undefined {
    return this.reach.at(-1);
  }

  /** The highest number below `limit` that an entry has. */
  lastBefore(limit: bigint): bigint | undefined {
    let found: bigint | undefined;
    for (const entry of this.entries) {
      const { first, last } = this.span(entry);
      if (first >= limit) break;
      const most = last < limit ? last : limit - 1n;
      if (found === undefined || most > found) found = most;
    }
    return found;
  }

  /** Backups that contain `at`; those that reach furthest come first. */
  at(at: bigint): E[] {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.span(this.entries[middle]!).first <= at) low = middle + 1;
      else high = middle;
    }
    const found: E[] = [];
    for (let i = low - 1; i >= 0 && this.reach[i]! >= at; i -= 1) {
      if (this.span(this.entries[i]!).last >= at) found.push(this.entries[i]!);
    }
    return found.sort((a, b) => Number(this.span(b).last - this.span(a).last));
  }
}

/** What a storage holds, as its metadata says, to find the backup of any epoch or version. */
export class Holdings {
  private readonly endings: Ranges<EpochEndingEntry>;
  private readonly versions: Ranges<TransactionEntry>;
  private readonly snapshots = new Map<bigint, StateSnapshotEntry[]>();

  constructor({ epochEndings, transactions, snapshots }: Catalog) {
    this.endings = new Ranges(epochEndings, (entry) => ({
      first: entry.firstEpoch,
      last: entry.lastEpoch,
    }));
    this.versions = new Ranges(transactions, (entry) => ({
      first: entry.firstVersion,
      last: entry.lastVersion,
    }));
    for (const entry of snapshots) {
      this.snapshots.set(entry.version, [...(this.snapshots.get(entry.version) ?? []), entry]);
    }
  }

  get isEmpty(): boolean {
    return (
      this.lastEpoch === undefined && this.lastVersion === undefined && this.snapshots.size === 0
    );
  }

  /** The newest epoch whose ending is stored. */
  get lastEpoch(): bigint | undefined {
    return this.endings.last;
  }

  /** The newest version whose transaction is stored. */
  get lastVersion(): bigint | undefined {
    return this.versions.last;
  }

  /** The newest version below all backups that have `version`. */
  lastVersionBelow(version: bigint): bigint | undefined {
    const first = this.versions.at(version).reduce((low, entry) => {
      return entry.firstVersion < low ? entry.firstVersion : low;
    }, version);
    return this.versions.lastBefore(first);
  }

  endingsOf(epoch: bigint): EpochEndingEntry[] {
    return this.endings.at(epoch);
  }

  transactionsAt(version: bigint): TransactionEntry[] {
    return this.versions.at(version);
  }

  snapshotsAt(version: bigint): StateSnapshotEntry[] {
    return this.snapshots.get(version) ?? [];
  }
}
