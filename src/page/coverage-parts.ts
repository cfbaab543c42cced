import {
  type CoveragePart,
  PART_STATES,
  type PartState,
} from '../contract/answers/page-answers.js';
import type { BackupType } from '../contract/job.js';
import { type Span, meet } from '../lib/spans.js';
import { type BackupEntry, type Catalog, entriesOf } from '../repository/catalog.js';

/** A row of the map is drawn with at most so many parts, and twice as many where they lie apart. */
const MOST_PARTS = 400;

/** What a look at the folder of a backup found. */
export interface Facts {
  state: PartState;
  fault?: string;
  verifiedAt?: number;
  /** When it was looked at: by the clock that nobody sets, in milliseconds. */
  clock: number;
}

/** A backup or a gap on the axis of versions. */
export interface Stretch extends Span {
  epochs?: Span;
  state: PartState;
  backups: number;
  backup?: string;
  verifiedAt?: number;
  fault?: string;
}

/**
 * All backups of a kind and the gaps between them, by version. An epoch ending stands for the versions of its epoch.
 * What keep rules gave up is no gap.
 */
export function stretchesOf(
  catalog: Catalog,
  type: BackupType,
  factsOf: (entry: BackupEntry) => Facts | undefined,
  pruned: { epochs: Span[]; versions: Span[] },
): Stretch[] {
  const all: Stretch[] = [];
  // What comes next if nothing is missing: its version, and of epoch endings its epoch.
  let next = { version: 0n, epoch: 0n };
  for (const entry of entriesOf(catalog, type)) {
    const stretch = stretchOf(entry, factsOf(entry));
    if (entry.type === 'EpochEndingBackup') {
      if (entry.firstEpoch > next.epoch) {
        const given = pruned.epochs.some(({ last }) => entry.firstEpoch <= last + 1n);
        const epochs = { first: next.epoch, last: entry.firstEpoch - 1n };
        all.push({ ...gap(next.version, entry.firstVersion - 1n, given), epochs });
      } else if (next.version < stretch.first) {
        stretch.first = next.version; // the epoch began where the one before ended
      }
      const epoch = entry.lastEpoch + 1n;
      if (epoch > next.epoch) next = { version: entry.lastVersion + 1n, epoch };
    }
    if (entry.type === 'TransactionBackup') {
      if (entry.firstVersion > next.version) {
        const given = pruned.versions.some(({ last }) => entry.firstVersion <= last + 1n);
        all.push(gap(next.version, entry.firstVersion - 1n, given));
      }
      if (entry.lastVersion >= next.version) next = { version: entry.lastVersion + 1n, epoch: 0n };
    }
    all.push(stretch);
  }
  return all;
}

function stretchOf(entry: BackupEntry, facts: Facts | undefined): Stretch {
  const { manifest } = entry;
  const { state = 'unread', fault, verifiedAt } = facts ?? {};
  return {
    ...spanOnAxis(entry),
    ...epochsOf(entry),
    ...{ state, backups: 1, backup: manifest.slice(0, Math.max(0, manifest.lastIndexOf('/'))) },
    ...(fault === undefined ? {} : { fault }),
    ...(verifiedAt === undefined ? {} : { verifiedAt }),
  };
}

function spanOnAxis(entry: BackupEntry): Span {
  if (entry.type === 'StateSnapshotBackup') return { first: entry.version, last: entry.version };
  return { first: entry.firstVersion, last: entry.lastVersion };
}

function epochsOf(entry: BackupEntry): { epochs?: Span } {
  if (entry.type === 'TransactionBackup') return {};
  if (entry.type === 'StateSnapshotBackup')
    return { epochs: { first: entry.epoch, last: entry.epoch } };
  return { epochs: { first: entry.firstEpoch, last: entry.lastEpoch } };
}

function gap(first: bigint, last: bigint, pruned: boolean): Stretch {
  return { first, last, state: pruned ? 'pruned' : 'missing', backups: 0 };
}

/**
 * What of a row lies in a window, as the page gets it. Where there are too many to be drawn, those that begin in the
 * same small part of the window become one, and the worst of them counts.
 */
export function withinWindow(all: readonly Stretch[], window: Span): CoveragePart[] {
  const inside = all.filter((one) => meet(one, window));
  if (inside.length <= MOST_PARTS) return inside.map(told);
  const width = (window.last - window.first) / BigInt(MOST_PARTS) + 1n;
  const cellOf = ({ first }: Span) => (first < window.first ? -1n : (first - window.first) / width);
  const joined: Stretch[] = [];
  let cell: bigint | undefined;
  for (const one of inside) {
    const begins = cellOf(one);
    if (begins === cell) joined.push(join(joined.pop()!, one));
    else joined.push(one);
    cell = begins;
  }
  return joined.map(told);
}

function join(a: Stretch, b: Stretch): Stretch {
  const worse = PART_STATES.indexOf(a.state) <= PART_STATES.indexOf(b.state) ? a : b;
  const backup = a.backup ?? b.backup;
  // Read as a whole only if each of them was.
  const verifiedAt =
    a.verifiedAt === undefined || b.verifiedAt === undefined
      ? undefined
      : Math.min(a.verifiedAt, b.verifiedAt);
  return {
    first: a.first,
    last: a.last > b.last ? a.last : b.last,
    ...(a.epochs && b.epochs ? { epochs: { first: a.epochs.first, last: b.epochs.last } } : {}),
    ...{ state: worse.state, backups: a.backups + b.backups },
    ...(backup === undefined ? {} : { backup }),
    ...(worse.fault === undefined ? {} : { fault: worse.fault }),
    ...(verifiedAt === undefined ? {} : { verifiedAt }),
  };
}

function told({ first, last, epochs, state, backups, backup, verifiedAt, fault }: Stretch) {
  const part: CoveragePart = { first: `${first}`, last: `${last}`, state, backups };
  if (epochs) {
    part.epochs =
      epochs.first === epochs.last ? `${epochs.first}` : `${epochs.first} to ${epochs.last}`;
  }
  if (backup !== undefined) part.backup = backup;
  if (verifiedAt !== undefined) part.verified_at = new Date(verifiedAt).toISOString();
  if (fault !== undefined) part.fault = fault;
  return part;
}
