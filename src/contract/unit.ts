import type { Outcome } from './answers/backup-answers.js';
import type { BackupType } from './job.js';
import type { Kinds } from './kinds/index.js';
import type { Lie } from './lies.js';

/**
 * A planned backup: its folder, its records, and the equal ranges into which they are cut. Ranges are
 * computed from these numbers, so a plan of ten thousand ranges is as small as a plan of one. A "record"
 * number is an epoch, a version or a leaf index of the state.
 */
export type UnitOf<K extends BackupType> = {
  [T in K]: UnitCut & { kind: T } & Kinds[T]['unit'];
}[K];
export type Unit = UnitOf<BackupType>;

export interface UnitCut {
  folder: string;
  first: string;
  /** Number of records. Only an empty state has 0. */
  records: string;
  rangeSize: number;
  rangeCount: number;
}

/** The records of one chunk activity; both ends inclusive. */
export interface Range {
  first: string;
  last: string;
}

/** How a unit was proven, as its commit found. */
export type Proven = 'signed' | `chained to waypoint ${string}` | 'not yet proven';

export interface Anchor {
  /** Waypoint of the chain's genesis ledger info. */
  waypoint: string;
  /** Whether anything but the node itself confirms it. */
  confirmed: boolean;
  network?: string | undefined;
}

/** What a backup workflow returns. */
export type ResultOf<K extends BackupType> = {
  [T in K]: Outcome & { type: T } & Kinds[T]['result'];
}[K];
export type BackupResult = ResultOf<BackupType>;

/** What planning finds: work to do, or the finished backup of the same range. */
export type Prepared<K extends BackupType = BackupType> = (
  { unit: UnitOf<K>; anchor: Anchor } | { committed: ResultOf<K> }
) & {
  lies?: Lie[];
};

/** Result of one chunk activity. `reused`: chunks that an earlier attempt stored and proved. */
export interface RangeResult {
  records: number;
  bytes: number;
  chunks: number;
  reused: number;
  lies?: Lie[] | undefined;
}

/** Progress of a chunk activity. Its next attempt starts from it. */
export interface RangeProgress {
  phase: string;
  /** Records and bytes of this range that are stored or in hand. */
  records: number;
  bytes: number;
  /** Failures so far by error code, over all attempts: see the budgets of chunk activities. */
  failures: Record<string, number>;
}

/** Details of an activity's failure. */
export interface FailureDetails {
  /** Whether the cause is a trouble of storage or node that may still pass. */
  mayPass: boolean;
  /** Of a commit: numbers of the ranges to store again. */
  ranges?: number[];
  /** Lies of nodes that the activity met before it failed. */
  lies?: Lie[] | undefined;
}

/** The i-th range of a unit. */
export function rangeAt(unit: UnitCut, index: number): Range {
  const first = BigInt(unit.first) + BigInt(unit.rangeSize) * BigInt(index);
  const end = BigInt(unit.first) + BigInt(unit.records);
  const next = first + BigInt(unit.rangeSize);
  return { first: `${first}`, last: `${(next < end ? next : end) - 1n}` };
}

/** A hundred ranges in four lanes make about 450 events. Every workflow task and query replays them. */
export const RANGES_OF_ONE_HISTORY = 100;

/**
 * Number of ranges in one segment, for a unit that has more than one history should hold. It grows with
 * very large units, whose own history has some ten events for each segment.
 */
export function segmentSize({ rangeCount }: Unit): number {
  return Math.min(Math.max(RANGES_OF_ONE_HISTORY, Math.ceil(rangeCount / 100)), 400);
}

/**
 * A range fills its file to this share of the limit, so that uneven records rarely need a second file.
 */
const FILL = 0.92;
/** With more ranges than this, ranges become longer than a file instead. So the history stays bounded. */
const MOST_RANGES = 100_000;
/** Below this size, more ranges cost more in requests than they save in latency. */
const SMALL_RANGE_BYTES = 16 * 1024 * 1024;

/**
 * Cuts `records` into equal ranges whose files come close to `maxChunkSize`. If that gives fewer ranges
 * than lanes, it cuts smaller ones, down to 16 MiB, so that all lanes have work.
 */
export function planRanges(options: {
  records: bigint;
  averageRecordBytes: number;
  maxChunkSize: number;
  lanes: number;
}): { rangeSize: number; rangeCount: number } {
  const { records, averageRecordBytes, maxChunkSize, lanes } = options;
  if (records === 0n) return { rangeSize: 1, rangeCount: 0 };
  const totalBytes = Number(records) * averageRecordBytes;
  const byFileSize = Math.ceil(totalBytes / (maxChunkSize * FILL));
  const byLanes = Math.min(lanes, Math.floor(totalBytes / SMALL_RANGE_BYTES));
  const wanted = BigInt(Math.min(Math.max(1, byFileSize, byLanes), MOST_RANGES));
  const rangeSize = ceilDivide(records, wanted < records ? wanted : records);
  return { rangeSize: Number(rangeSize), rangeCount: rangeCountOf(records, rangeSize) };
}

/** How many ranges of that size cover the records. */
export function rangeCountOf(records: bigint, rangeSize: bigint): number {
  return Number(ceilDivide(records, rangeSize));
}

function ceilDivide(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b;
}
