import {
  ActivityFailure,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import type { RangeActivities } from '../activities/range.js';
import { withLies } from '../plan/lies.js';
import { QUARANTINED, type Totals } from '../plan/messages.js';
import { rangeAt } from '../plan/unit.js';
import { rangeOptions } from './activity-options.js';
import { runChunk } from './apart.js';
import { failureCode, liesOf, reasonOf } from './failures.js';
import { runLanes, turnControls } from './lanes.js';
import { controlsSignal, segmentStatus } from './messages.js';
import { type SegmentInput, requireSegmentInput } from './segment-input.js';
import { addRange, noTotals, totalsTable } from './totals.js';

/** A range that failed for good. */
export interface RangeFailure {
  index: number;
  reason: string;
  quarantined?: true;
}

export interface SegmentResult {
  done: Totals;
  failed: RangeFailure[];
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
export async function chunkSegment(raw: SegmentInput): Promise<SegmentResult> {
  const input = requireSegmentInput(raw);
  const { job, unit } = input;
  const controls = { ...input.controls };
  const done = noTotals();
  const failed: RangeFailure[] = [];
  const indexes = listIndexes(input.ranges);
  let next = 0;

  setHandler(controlsSignal, (latest) => turnControls(controls, latest));
  setHandler(segmentStatus, () => ({ done, failed: failed.map(describeFailed) }));
  const tooManyFailed = () => failed.length >= Math.max(TOO_MANY_FAILED, controls.concurrency);
  const describeFailed = ({ index, ...failure }: RangeFailure) => {
    const { first, last } = rangeAt(unit, index);
    return { range: `${first}-${last}`, ...failure };
  };

  await runLanes(
    controls,
    () => (tooManyFailed() ? undefined : indexes[next++]),
    async (index) => {
      const range = rangeAt(unit, index);
      const summary = `${range.first} to ${range.last}`;
      try {
        const task = { job, unit, range };
        const result = await runChunk(
          summary,
          (options) => backUpRange.executeWithOptions(options, [task]),
          input.quarantined?.includes(index),
        );
        addRange(done, result);
      } catch (error) {
        if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
        const quarantined = failureCode(error) === QUARANTINED;
        failed.push({ index, reason: reasonOf(error), ...(quarantined ? { quarantined } : {}) });
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
