import {
  ActivityFailure,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import type { RangeActivities } from '../activities/range.js';
import type { Job } from '../plan/job.js';
import { withLies } from '../plan/lies.js';
import type { Totals } from '../plan/messages.js';
import { type Unit, rangeAt } from '../plan/unit.js';
import { rangeOptions } from './activity-options.js';
import { runChunk } from './apart.js';
import { liesOf, reasonOf } from './failures.js';
import { type LaneControls, runLanes } from './lanes.js';
import { controlsSignal, segmentStatus } from './messages.js';
import { addRange, noTotals, totalsTable } from './totals.js';

export interface SegmentInput {
  job: Job;
  unit: Unit;
  /** Range numbers: from `from` up to but excluding `to`, or exactly these. */
  ranges: { from: number; to: number } | { only: number[] };
  controls: LaneControls;
}

export interface SegmentResult {
  done: Totals;
  failed: { index: number; reason: string }[];
  /** Range numbers that were not begun because too much failed. */
  left: { from: number; to: number } | { only: number[] };
}

/** So many failed ranges mean that the node or the storage is the problem, not the ranges. */
const TOO_MANY_FAILED = 4;

const { backUpRange } = proxyActivities<RangeActivities>(rangeOptions);

/**
 * A few hundred ranges of one backup, in lanes. A range that fails for good is written down and the
 * others go on; when too many fail no new ones are begun. Always returns, unless cancelled.
 */
export async function chunkSegment(input: SegmentInput): Promise<SegmentResult> {
  const { job, unit } = input;
  const controls = { ...input.controls };
  const done = noTotals();
  const failed: SegmentResult['failed'] = [];
  const indexes = listIndexes(input.ranges);
  let next = 0;

  setHandler(controlsSignal, (latest) => void Object.assign(controls, latest));
  setHandler(segmentStatus, () => ({ done, failed: failed.map(describeFailed) }));
  const tooManyFailed = () => failed.length >= Math.max(TOO_MANY_FAILED, controls.concurrency);
  const describeFailed = ({ index, reason }: { index: number; reason: string }) => {
    const { first, last } = rangeAt(unit, index);
    return { range: `${first}-${last}`, reason };
  };

  await runLanes(
    controls,
    () => (tooManyFailed() ? undefined : indexes[next++]),
    async (index) => {
      const range = rangeAt(unit, index);
      const summary = `${range.first} to ${range.last}`;
      try {
        const task = { job, unit, range };
        const result = await runChunk(summary, (options) =>
          backUpRange.executeWithOptions(options, [task]),
        );
        addRange(done, result);
      } catch (error) {
        if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
        failed.push({ index, reason: reasonOf(error) });
        Object.assign(done, withLies(done.lies, liesOf(error)));
      }
      setCurrentDetails(totalsTable(done, indexes.length, failed.map(describeFailed)));
    },
  );
  const left =
    'only' in input.ranges
      ? { only: indexes.slice(next) }
      : { from: Math.min(input.ranges.from + next, input.ranges.to), to: input.ranges.to };
  return { done, failed, left };
}

function listIndexes(ranges: SegmentInput['ranges']): number[] {
  if ('only' in ranges) return ranges.only;
  return Array.from({ length: ranges.to - ranges.from }, (_, i) => ranges.from + i);
}
