import { type ChildWorkflowHandle, startChild, workflowInfo } from '@temporalio/workflow';
import { describeTarget } from '../../contract/job.js';
import { RANGES_OF_ONE_HISTORY, type Unit, rangeAt } from '../../contract/unit.js';
import { controlsSignal } from '../message-definitions.js';
import { type Ranges, type RangesRun, listIndexes, noneRun, runRanges } from './range-lanes.js';
import type { RunState } from './run-state.js';
import { chunkSegment } from './segment.js';

interface RangeWork {
  unit: Unit;
  ranges: Ranges;
  /** Numbers of the ranges in quarantine. */
  quarantined?: number[];
  /** These ranges were counted when they were first stored. They are not counted again. */
  counted?: true;
}

/**
 * Runs the ranges of a backup. A small unit runs them in lanes of its own workflow, until its history has
 * held as many ranges (retries included) as one history should. All others run in `chunkSegment`
 * children.
 */
export class RangeRunner {
  private ownRanges = 0;
  private segmentsStarted = 0;
  private segment: ChildWorkflowHandle<typeof chunkSegment> | undefined;

  constructor(private readonly state: RunState) {}

  /** Runs the ranges and adds the results to the state. Returns when no range runs any more. */
  async run(work: RangeWork): Promise<RangesRun> {
    const { state } = this;
    const run = await (this.hasRoom(work) ? this.runHere(work) : this.runSegment(work));
    if (!work.counted) state.count(run.done);
    state.failed.push(...run.failed);
    state.show();
    return run;
  }

  /** Sends the controls to the running segment, if there is one. */
  async tellSegment(): Promise<void> {
    const { concurrency, paused } = this.state.controls;
    try {
      await this.segment?.signal(controlsSignal, { concurrency, paused });
    } catch {
      // It has just ended. The next segment starts with the new controls.
    }
  }

  private hasRoom({ unit, ranges }: RangeWork): boolean {
    const after = this.ownRanges + listIndexes(ranges).length;
    return unit.rangeCount <= RANGES_OF_ONE_HISTORY && after <= RANGES_OF_ONE_HISTORY;
  }

  private async runHere({ counted, ...work }: RangeWork): Promise<RangesRun> {
    const { state } = this;
    const { job, controls } = state;
    const run = noneRun();
    if (!counted) state.running = run;
    await runRanges({ job, ...work }, controls, run, () => state.show());
    state.running = undefined;
    this.ownRanges += run.begun;
    return run;
  }

  private async runSegment({ unit, ranges, quarantined = [] }: RangeWork): Promise<RangesRun> {
    const { job, controls } = this.state;
    const { concurrency, paused } = controls;
    this.segmentsStarted += 1;
    const number = String(this.segmentsStarted).padStart(5, '0');
    this.segment = await startChild(chunkSegment, {
      workflowId: `${workflowInfo().workflowId}/segment/${number}`,
      args: [
        {
          ...{ job, unit, ranges, controls: { concurrency, paused } },
          ...(quarantined.length > 0 ? { quarantined } : {}),
        },
      ],
      parentClosePolicy: 'REQUEST_CANCEL',
      staticSummary: `${describeTarget(job.target)}, ${describeRanges(unit, ranges)}`,
    });
    this.state.segment = this.segment.workflowId;
    // The controls may have changed while the segment was starting.
    const turned = controls.concurrency !== concurrency || controls.paused !== paused;
    if (turned) await this.tellSegment();
    const run = await this.segment.result();
    this.segment = undefined;
    this.state.segment = undefined;
    return run;
  }
}

function describeRanges(unit: Unit, ranges: Ranges): string {
  if ('only' in ranges) return `${ranges.only.length} range(s) again`;
  return `${rangeAt(unit, ranges.from).first} to ${rangeAt(unit, ranges.to - 1).last}`;
}
