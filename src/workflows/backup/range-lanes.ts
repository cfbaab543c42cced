import { ActivityFailure, isCancellation, proxyActivities } from '@temporalio/workflow';
import type { RangeActivities } from '../../activities/range-activities.js';
import { withLies } from '../../contract/lies.js';
import { QUARANTINED } from '../../contract/messages.js';
import { type Unit, rangeAt } from '../../contract/unit.js';
import { limitedRange, rangeOptions } from '../activity-options.js';
import { runChunk } from '../apart.js';
import { type LaneControls, runLanes } from '../lanes.js';
import type { SegmentInput } from '../segment-input.js';
import { addRange, noTotals } from '../totals.js';
import { failureCode, liesOf, reasonOf } from '../workflow-failure.js';
import type { FailedRange, Totals } from '../../contract/answers/backup-answers.js';

/** Range numbers: from `from` up to but excluding `to`, or exactly these. */
export type Ranges = SegmentInput['ranges'];

/** A range that failed for good. */
export interface RangeFailure {
  index: number;
  reason: string;
  quarantined?: true;
  /** No node has it any more: NODE_PRUNED. */
  pruned?: true;
}

/** The results of some ranges so far. */
export interface RangesRun {
  done: Totals;
  failed: RangeFailure[];
  /** How many ranges were started, in order. The rest was not started, because too many failed. */
  begun: number;
}

/** So many failures mean that the node or the storage is the problem, not the ranges. */
const TOO_MANY_FAILED = 4;

const { backUpRange } = proxyActivities<RangeActivities>(rangeOptions);

export function noneRun(): RangesRun {
  return { done: noTotals(), failed: [], begun: 0 };
}

/**
 * Stores ranges in lanes of the calling workflow and records the results in `run`. When a range fails for
 * good, the others go on. When too many fail, no new ones start.
 */
export async function runRanges(
  { job, unit, ranges, quarantined }: Omit<SegmentInput, 'controls'>,
  controls: LaneControls,
  run: RangesRun,
  onChange: () => void,
): Promise<void> {
  const indexes = listIndexes(ranges);
  const { done, failed } = run;
  const slow = job.nodeLimits ? limitedRange : {};
  const take = () => {
    if (failed.length >= Math.max(TOO_MANY_FAILED, controls.concurrency)) return undefined;
    const index = indexes[run.begun];
    if (index !== undefined) run.begun += 1;
    return index;
  };
  await runLanes(controls, take, async (index) => {
    const range = rangeAt(unit, index);
    try {
      const result = await runChunk(
        `${range.first} to ${range.last}`,
        (options) =>
          backUpRange.executeWithOptions({ ...options, ...slow }, [{ job, unit, range }]),
        quarantined?.includes(index),
      );
      addRange(done, result);
    } catch (error) {
      if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
      failed.push(failureOf(index, error));
      Object.assign(done, withLies(done.lies, liesOf(error)));
    }
    onChange();
  });
}

export function listIndexes(ranges: Ranges): number[] {
  if ('only' in ranges) return ranges.only;
  return Array.from({ length: ranges.to - ranges.from }, (_, i) => ranges.from + i);
}

/** Describes a failed range for a status. */
export function describeFailed(unit: Unit, { index, ...failure }: RangeFailure): FailedRange {
  const { first, last } = rangeAt(unit, index);
  return { range: `${first}-${last}`, ...failure };
}

function failureOf(index: number, error: unknown): RangeFailure {
  const code = failureCode(error);
  return {
    index,
    reason: reasonOf(error),
    ...(code === QUARANTINED ? { quarantined: true } : {}),
    ...(code === 'NODE_PRUNED' ? { pruned: true } : {}),
  };
}
