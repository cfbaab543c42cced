import { failureOf } from '../contract/failure.js';
import * as v from 'valibot';
import { concurrency } from '../contract/input-fields.js';
import type { Job } from '../contract/job.js';
import { flag, text, told, u64Text, wholeNumber } from '../contract/shape.js';
import type { Unit } from '../contract/unit.js';
import type { LaneControls } from './lanes.js';

/** A limit that still fits into memory. A backup sends a few hundred. */
const MOST_RANGES = 100_000;

/** The parts of a unit that a segment reads: how it is cut. */
const cut = v.object({
  folder: text,
  first: u64Text,
  records: u64Text,
  rangeSize: wholeNumber,
  rangeCount: wholeNumber,
});

export type SegmentInput = v.InferOutput<typeof segmentInput>;
const segmentInput = v.object({
  job: v.custom<Job>((value) => v.is(v.record(text, told()), value)),
  unit: v.custom<Unit>((value) => v.is(cut, value)),
  /** Range numbers: from `from` up to but excluding `to`, or exactly these. */
  ranges: v.union([
    v.object({ only: v.array(wholeNumber) }),
    v.object({ from: wholeNumber, to: wholeNumber }),
  ]),
  /** Numbers of the ranges in quarantine. */
  quarantined: v.exactOptional(v.array(wholeNumber)),
  controls: v.custom<LaneControls>((value) => v.is(v.object({ concurrency, paused: flag }), value)),
});

/**
 * Parses the input of a segment.
 *
 * @throws ApplicationFailure INPUT_INVALID: the input does not come from a backup
 */
export function requireSegmentInput(input: unknown): SegmentInput {
  if (v.is(segmentInput, input) && hasItsRanges(input)) return input;
  throw failureOf('INPUT_INVALID', 'only a backup starts segments; start the backup instead');
}

function hasItsRanges({ ranges, unit }: SegmentInput): boolean {
  if ('only' in ranges) return ranges.only.every((index) => index < unit.rangeCount);
  return ranges.to <= unit.rangeCount && ranges.to - ranges.from <= MOST_RANGES;
}
