import type { Job } from './job.js';
import type { Lie } from './lies.js';

/**
 * One planned backup: a folder, the records that belong in it, and the equal ranges they are cut
 * into. Ranges are derived from the numbers here, so a plan of ten thousand of them is as small
 * as a plan of one. "Record" numbers are epochs, versions or leaf indexes of the state.
 */
export interface Unit {
  folder: string;
  first: string;
  /** How many records there are; 0 only for an empty state. */
  records: string;
  rangeSize: number;
  rangeCount: number;
  snapshot?: { epoch: string; version: string; rootHash: string; proven: Proven };
}

/** The records that one chunk activity is asked for; both ends inclusive. */
export interface Range {
  first: string;
  last: string;
}

/** How the commit says a unit was proven. */
export type Proven = 'signed' | `chained to waypoint ${string}` | 'not yet proven';

export interface Anchor {
  /** Waypoint of the chain's genesis ledger info. */
  waypoint: string;
  /** Whether anything but the node itself vouches for it. */
  confirmed: boolean;
  network?: string;
}

/** What a backup workflow returns; field names are for people who read it as JSON. */
export interface BackupResult {
  type: Job['target']['type'];
  backup: string;
  manifest: string;
  metadata: string;
  first?: string;
  last?: string;
  epoch?: string;
  version?: string;
  /** Epoch endings: the version at which the last epoch ends. */
  ends_at_version?: string;
  records: string;
  chunks: number;
  bytes: number;
  proven: Proven | 'not checked';
  anchor: Anchor;
  chunks_reused: number;
  already_committed: boolean;
  /** Which nodes sent what fails its proof, while it was made by another attempt or with another node. */
  lies?: Lie[];
}

/** What planning finds: work to do, or the finished backup of the same range. */
export type Prepared = ({ unit: Unit; anchor: Anchor } | { committed: BackupResult }) & {
  lies?: Lie[];
};

/** What one chunk activity returns. `reused` chunks were found stored and proven. */
export interface RangeResult {
  records: number;
  bytes: number;
  chunks: number;
  reused: number;
  lies?: Lie[];
}

/** What a chunk activity reports while it works; also what its next attempt starts from. */
export interface RangeProgress {
  phase: string;
  /** Records and bytes of this range that are stored or in hand. */
  records: number;
  bytes: number;
  /** Failures so far by error code, counted over attempts: see the chunk activity's budgets. */
  failures: Record<string, number>;
}

/** Details of an activity's failure. */
export interface FailureDetails {
  /** Whether it was a trouble of storage or node that may still pass. */
  mayPass: boolean;
  /** Of a commit: range numbers that have to be stored again. */
  ranges?: number[];
  /** Lies of nodes that were met before it failed. */
  lies?: Lie[];
}

/** The i-th range of a unit. */
export function rangeAt(unit: Unit, index: number): Range {
  const first = BigInt(unit.first) + BigInt(unit.rangeSize) * BigInt(index);
  const end = BigInt(unit.first) + BigInt(unit.records);
  const next = first + BigInt(unit.rangeSize);
  return { first: `${first}`, last: `${(next < end ? next : end) - 1n}` };
}

/**
 * Ranges of one segment: a hundred make about 450 events in four lanes, which every workflow task goes
 * through. More in a unit of very many, whose own history has some ten events for each segment.
 */
export function segmentSize({ rangeCount }: Unit): number {
  return Math.min(Math.max(100, Math.ceil(rangeCount / 100)), 400);
}

/** A range fills its file to this share of the limit, so that uneven records rarely spill over. */
const FILL = 0.92;
/** More ranges than this make them longer than a file instead: the history stays bounded. */
const MOST_RANGES = 100_000;
/** Below this size splitting further costs more in requests than it hides in latency. */
const SMALL_RANGE_BYTES = 16 * 1024 * 1024;

/**
 * Cuts `records` into equal ranges whose files come out near `maxChunkSize`; a unit of fewer files
 * than lanes is cut finer, so that all lanes have work while pieces stay above 16 MiB.
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
