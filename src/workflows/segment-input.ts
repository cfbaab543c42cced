import { ApplicationFailure } from '@temporalio/workflow';
import { isConcurrency } from '../plan/input.js';
import type { Job } from '../plan/job.js';
import {
  type Check,
  isCount,
  isFlag,
  isRecord,
  isText,
  isU64,
  listOf,
  optional,
  withFields,
} from '../plan/shape.js';
import type { Unit } from '../plan/unit.js';
import type { LaneControls } from './lanes.js';

export interface SegmentInput {
  job: Job;
  unit: Unit;
  /** Range numbers: from `from` up to but excluding `to`, or exactly these. */
  ranges: { from: number; to: number } | { only: number[] };
  /** Numbers of those that are in quarantine. */
  quarantined?: number[];
  controls: LaneControls;
}

/** So many that they still fit into memory; a backup gives a few hundred. */
const MOST_RANGES = 100_000;

const isShape = withFields({
  job: isRecord,
  unit: withFields({
    folder: isText,
    first: isU64,
    records: isU64,
    rangeSize: isCount,
    rangeCount: isCount,
  }),
  ranges: isRecord,
  quarantined: optional(listOf(isCount)),
  controls: withFields({ concurrency: isConcurrency, paused: isFlag }),
});

/** @throws ApplicationFailure INPUT_INVALID: somebody else than a backup has started a segment */
export function requireSegmentInput(input: unknown): SegmentInput {
  if (isShape(input) && hasItsRanges(input as SegmentInput)) return input as SegmentInput;
  throw ApplicationFailure.nonRetryable(
    'a segment is started by its backup; start that instead',
    'INPUT_INVALID',
  );
}

function hasItsRanges({ ranges, unit }: SegmentInput): boolean {
  const isOne: Check = (index) => isCount(index) && (index as number) < unit.rangeCount;
  if ('only' in ranges) return listOf(isOne)(ranges.only);
  const { from, to } = ranges;
  return isCount(from) && isCount(to) && to <= unit.rangeCount && to - from <= MOST_RANGES;
}
