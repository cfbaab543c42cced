import { setCurrentDetails, setHandler } from '@temporalio/workflow';
import { type Job, describeTarget } from '../../contract/job.js';
import type { Phase } from '../../contract/messages.js';
import { BACKUP_TYPE, NETWORK, PHASE } from '../../contract/search-attributes.js';
import type { Unit } from '../../contract/unit.js';
import { Attributes, storageAttribute } from '../known-attributes.js';
import type { LaneControls } from '../lanes.js';
import { statusQuery } from '../message-definitions.js';
import { addTotals, noTotals, describeTotals } from '../totals.js';
import { coordinatorLink, detailsList, escapeMarkdown, storageText } from '../details.js';
import { type RangeFailure, type RangesRun, describeFailed } from './range-lanes.js';
import type { BackupStatus, Totals } from '../../contract/answers/backup-answers.js';

/**
 * What a backup knows about itself. It shows this in its `status`, in the Temporal UI, and as search
 * attributes.
 */
export class RunState {
  unit: Unit | undefined;
  /** Totals of the ranges that have run. */
  readonly done: Totals = noTotals();
  readonly failed: RangeFailure[] = [];
  /** Ranges that run now in lanes of this workflow. */
  running: RangesRun | undefined;
  /** Workflow id of the running segment. */
  segment: string | undefined;
  private current: Phase = 'planning';
  private waitingFor: string | undefined;
  private readonly attributes: Attributes;

  constructor(
    readonly job: Job,
    readonly controls: LaneControls,
  ) {
    setHandler(statusQuery, () => this.status(), {
      description: 'Phase, totals, failed ranges, and what it waits for.',
    });
    this.attributes = new Attributes(
      { key: BACKUP_TYPE, value: job.target.type },
      { key: NETWORK, value: job.network ?? 'unknown' },
      storageAttribute(job.storage),
    );
    this.enter('planning');
  }

  get phase(): Phase {
    return this.current;
  }

  enter(phase: Phase, waitingFor?: string): void {
    this.current = phase;
    this.waitingFor = waitingFor;
    this.attributes.set({ key: PHASE, value: phase });
    this.show();
  }

  /** Records the network that the plan found on the node. */
  noteNetwork(network: string | undefined): void {
    if (network === undefined || network === this.job.network) return;
    this.attributes.set({ key: NETWORK, value: network });
  }

  count(more: Totals): void {
    addTotals(this.done, more);
  }

  /** Updates the Temporal UI. */
  show(): void {
    const {
      target,
      phase,
      waiting_for: waitingFor,
      paused,
      ranges_total: rangesTotal,
      done,
      failed,
    } = this.status();
    setCurrentDetails(
      [
        `**${target}**: ${phase}${paused ? ', paused' : ''}`,
        ...(waitingFor === undefined ? [] : [escapeMarkdown(waitingFor)]),
        describeTotals(done, rangesTotal, failed),
        detailsList(['to', storageText(this.job.storage)], ['coordinator', coordinatorLink()]),
      ].join('\n\n'),
    );
  }

  private status(): BackupStatus {
    const { unit, running } = this;
    const done = { ...this.done };
    if (running) addTotals(done, running.done);
    const failed = [...this.failed, ...(running?.failed ?? [])];
    return {
      target: describeTarget(this.job.target),
      phase: this.current,
      waiting_for: this.waitingFor,
      folder: unit?.folder,
      ranges_total: unit?.rangeCount ?? 0,
      records_total: unit?.records ?? '0',
      done,
      concurrency: this.controls.concurrency,
      paused: this.controls.paused,
      failed: unit ? failed.map((failure) => describeFailed(unit, failure)) : [],
      segment: this.segment,
    };
  }
}
