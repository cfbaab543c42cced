import { setCurrentDetails, setHandler } from '@temporalio/workflow';
import { turnControls } from '../lanes.js';
import { controlsSignal, segmentStatus } from '../message-definitions.js';
import { type SegmentInput, requireSegmentInput } from '../segment-input.js';
import { describeTotals } from '../totals.js';
import { type RangesRun, describeFailed, listIndexes, noneRun, runRanges } from './range-lanes.js';

/**
 * Stores some hundred ranges of a backup that has more ranges than one history should hold. It always
 * returns, unless it is cancelled.
 */
export async function chunkSegment(raw: SegmentInput): Promise<RangesRun> {
  const input = requireSegmentInput(raw);
  const controls = { ...input.controls };
  const run = noneRun();
  const count = listIndexes(input.ranges).length;
  const failed = () => run.failed.map((failure) => describeFailed(input.unit, failure));
  setHandler(controlsSignal, (latest) => turnControls(controls, latest));
  setHandler(segmentStatus, () => ({ done: run.done, failed: failed() }));
  await runRanges(input, controls, run, () => {
    setCurrentDetails(describeTotals(run.done, count, failed()));
  });
  return run;
}
