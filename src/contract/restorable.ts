import type { Span } from '../lib/spans.js';
import type { Restorable } from './answers/coordinator-answers.js';

/** One stored backup of epochs or versions, or several that follow each other without a gap. */
export interface RestoreRun extends Span {
  /** The version from which on a restore reads it, and the version of its last record. */
  from: bigint;
  to: bigint;
  /** Damaged, or not proven. */
  damaged?: boolean;
}

export interface RestorePoint {
  epoch: bigint;
  version: bigint;
  damaged?: boolean;
}

/**
 * The backups that a storage has for a restore, as its metadata lines name them, and which of them cannot
 * be used.
 */
export interface RestoreSource {
  epochs: readonly RestoreRun[];
  transactions: readonly RestoreRun[];
  snapshots: readonly RestorePoint[];
  /** A metadata file that the stock tool cannot load. It then loads no metadata at all. */
  unreadable?: string;
}

/**
 * How a verification describes a backup that cannot be used. The backup may be whole and only lack its
 * proof.
 */
const HURT = 'damaged or not proven';

/**
 * What the stock tool can restore, by its own rules. It looks at all backups up to its target version. By
 * their metadata, epoch endings must follow each other from 0 on, and so must transactions. It reads all
 * those epoch endings, the newest snapshot at or below the target, and the transactions from the backup
 * on that holds the snapshot's version.
 */
export function restorable(source: RestoreSource): Restorable {
  const { unreadable } = source;
  if (unreadable !== undefined) {
    const what = `${unreadable} cannot be read, and the stock tool then loads no metadata at all`;
    return { yes: false, why: [what] };
  }
  const { epochs, transactions, target: highest } = chainsOf(source);
  const why = [...transactions.why, ...epochs.why];
  if (epochs.last < 0n || transactions.last < 0n) {
    if (source.snapshots.length === 0) why.push('there is no state snapshot');
    return { yes: false, why };
  }
  let target = highest;
  const points = selectable(source.snapshots);
  if (points.length === 0) why.push('there is no state snapshot');
  else if (points[0]!.version > target) {
    const [{ version }] = points as [RestorePoint];
    why.push(
      `the oldest state snapshot is of version ${version}; ${target < 0n ? 'no transactions can be used' : `transactions can be used only up to ${target}`}`,
    );
  }
  for (const point of points.toReversed()) {
    if (point.version > target) continue;
    const hurt = firstDamaged(source.transactions, point.version, target);
    const reason = unusable(point, epochs.last);
    if (reason !== undefined) why.push(reason);
    else if (hurt && !why.includes(hurtBy(hurt))) why.push(hurtBy(hurt));
    if (reason !== undefined || (hurt && hurt.first <= point.version)) {
      target = point.version - 1n;
      continue;
    }
    if (hurt) target = hurt.first - 1n;
    return found(source, point, points, { target, epochs: epochs.last, why });
  }
  return { yes: false, why };
}

function found(
  source: RestoreSource,
  point: RestorePoint,
  points: readonly RestorePoint[],
  { target, epochs, why }: { target: bigint; epochs: bigint; why: string[] },
): Restorable {
  const oldest = points.find(
    (p) =>
      unusable(p, epochs) === undefined && !firstDamaged(source.transactions, p.version, target),
  );
  const ended = [
    ...source.epochs.flatMap(({ first, last, from, to }) => [
      ...(from <= target ? [first] : []),
      ...(to <= target ? [last] : []),
    ]),
    ...points.filter(({ version }) => version <= target).map(({ epoch }) => epoch),
  ];
  const newest = ended.reduce((max, epoch) => (epoch > max ? epoch : max), 0n);
  const all = source.transactions.at(-1)?.last ?? 0n;
  const from = oldest!.version;
  if (from > 0n) why.push(whyNotBefore(source, points, from, { target, epochs }));
  return {
    yes: true,
    version: `${target}`,
    epoch: `${newest}`,
    history_from: `${from}`,
    snapshot: { epoch: `${point.epoch}`, version: `${point.version}` },
    ...(target < all ? { needs_target_version: true as const } : {}),
    why,
  };
}

/** The next older usable snapshot lacks the transactions after it, or there is none. */
function whyNotBefore(
  source: RestoreSource,
  points: readonly RestorePoint[],
  from: bigint,
  { target, epochs }: { target: bigint; epochs: bigint },
): string {
  const older = points.findLast((p) => p.version < from && unusable(p, epochs) === undefined);
  const hurt = older && firstDamaged(source.transactions, older.version, target);
  if (hurt) return `${hurtBy(hurt)}, so no history before version ${from}`;
  return `no state snapshot below version ${from} can be used, so no history before it`;
}

/**
 * How far the backups follow each other from 0 on. `limit`: the highest target version with which the
 * tool does not look at the first backup that breaks the chain. With `allRead`, a damaged backup breaks
 * it, too.
 */
function chainOf(
  runs: readonly RestoreRun[],
  noun: string,
  allRead: boolean,
): { last: bigint; limit?: bigint; why: string[] } {
  if (runs.length === 0) return { last: -1n, why: [`there are no ${noun}`] };
  let next = 0n;
  for (const { first, last, from, damaged } of runs) {
    const is = (what: string) => ({ last: next - 1n, limit: from - 1n, why: [what] });
    if (first > next) return is(`${noun} ${next} to ${first - 1n} are missing`);
    if (first < next) {
      return is(`several backups have ${noun} ${first} to ${min(last, next - 1n)}`);
    }
    if (allRead && damaged) return is(`${noun} ${first} to ${last} are ${HURT}`);
    next = last + 1n;
  }
  return { last: next - 1n, why: [] };
}

/** How far epoch endings and transactions follow each other, and the highest version with which both do. */
export function chainsOf(source: RestoreSource) {
  const epochs = chainOf(source.epochs, 'epoch endings', true);
  const transactions = chainOf(source.transactions, 'transactions', false);
  return { epochs, transactions, target: min(transactions.last, transactions.limit, epochs.limit) };
}

/** In order. Of several backups of one version, the tool takes the last. */
export function selectable(snapshots: readonly RestorePoint[]): RestorePoint[] {
  const byVersion = new Map(snapshots.map((point) => [point.version, point]));
  return [...byVersion.values()].sort((a, b) => (a.version < b.version ? -1 : 1));
}

/**
 * Why a snapshot cannot be used. The ending of the epoch before names the validators who sign its ledger
 * info.
 */
export function unusable({ epoch, version, damaged }: RestorePoint, lastEpoch: bigint) {
  const name = `the state snapshot of epoch ${epoch} (version ${version})`;
  if (damaged) return `${name} is ${HURT}`;
  if (epoch <= lastEpoch + 1n) return undefined;
  return `${name} is not proven by the epoch endings, which go from 0 to ${lastEpoch}`;
}

/** The first damaged run of those that a restore reads, from the backup on that holds `from`. */
export function firstDamaged(runs: readonly RestoreRun[], from: bigint, target: bigint) {
  return runs.find(({ first, last, damaged }) => damaged && last >= from && first <= target);
}

function hurtBy({ first, last }: RestoreRun): string {
  return `transactions ${first} to ${last} are ${HURT}`;
}

function min(a: bigint, ...others: (bigint | undefined)[]): bigint {
  return others.reduce<bigint>((low, one) => (one !== undefined && one < low ? one : low), a);
}
