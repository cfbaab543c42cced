import {
  type ActivityFunctionWithOptions,
  type ActivityOptions,
  ApplicationFailure,
  type ChildWorkflowHandle,
  condition,
  setCurrentDetails,
  setHandler,
  startChild,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { parseConcurrency, parseInput } from '../plan/input.js';
import { type BackupType, type Job, type JobFor, describeTarget } from '../plan/job.js';
import { withLies } from '../plan/lies.js';
import { type BackupStatus, type Phase, QUARANTINED, type Totals } from '../plan/messages.js';
import { BACKUP_TYPE, NETWORK, PHASE } from '../plan/search-attributes.js';
import { type BackupResult, type Prepared, type Unit, rangeAt, segmentSize } from '../plan/unit.js';
import { controlOptions } from './activity-options.js';
import { runOrApart } from './apart.js';
import {
  asInputFailure,
  asWorkflowFailure,
  failureCode,
  incompleteRanges,
  mayPass,
  reasonOf,
} from './failures.js';
import { type LaneControls, turnControls } from './lanes.js';
import { controlsSignal, pause, resume, retry, setConcurrency, statusQuery } from './messages.js';
import type { SegmentInput } from './segment-input.js';
import { type RangeFailure, type SegmentResult, chunkSegment } from './segment.js';
import { addTotals, escapeMarkdown, noTotals, totalsTable } from './totals.js';

/** Failed ranges that are carried along before the backup stops to wait for a fix. */
const MOST_FAILED = 50;
/** A blocked backup tries again by itself after this long, and then after twice as long... */
const FIRST_RETRY_MS = 10 * 60_000;
/** ...but never later than this. */
const LAST_RETRY_MS = 2 * 60 * 60_000;
/** After about two weeks of that it fails, which bounds its history; started again it goes on. */
const MOST_BLOCKS = 200;
/** What is found wrong as often as this between storing and commit is not repaired further. */
const MOST_REPAIRS = 30;

/**
 * One run of a backup workflow: its phases, the messages it answers and the segments it starts. The
 * three backup workflows say in which order what happens.
 */
export class BackupRun<T extends BackupType> {
  readonly job: JobFor<T>;
  readonly controls: LaneControls & { whenBlocked: 'wait' | 'fail' };
  private phase: Phase = 'planning';
  private waitingFor: string | undefined;
  private unit: Unit | undefined;
  private readonly done: Totals = noTotals();
  private readonly failed: RangeFailure[] = [];
  private segment: ChildWorkflowHandle<typeof chunkSegment> | undefined;
  private segmentsStarted = 0;
  private retryAsked = false;
  private blocks = 0;

  /** Validates the input before anything else. @throws ApplicationFailure INPUT_INVALID */
  constructor(type: T, raw: unknown) {
    const { job, controls } = asInputFailure(() => parseInput(type, raw));
    this.job = job;
    this.controls = { ...controls, paused: false };
    setHandler(statusQuery, () => this.status(), {
      description: 'Phase, totals, failed ranges, and what it waits for.',
    });
    setHandler(setConcurrency, (value) => this.setConcurrency(value), {
      description: 'How many ranges may be in flight, 1 to 64.',
      validator: (value) => void parseConcurrency(value),
    });
    setHandler(pause, () => this.setPaused(true), { description: 'Begin no new ranges.' });
    setHandler(resume, () => this.setPaused(false), { description: 'Go on after a pause.' });
    setHandler(retry, () => this.askRetry(), {
      description: 'Try again now what failed: ranges, or a plan or a commit; answers how many.',
    });
    setHandler(controlsSignal, (latest) => this.setControls(latest), {
      description: 'From a coordinator: the cap and whether to pause.',
    });
    upsertSearchAttributes([
      { key: BACKUP_TYPE, value: type },
      { key: NETWORK, value: job.network ?? 'unknown' },
    ]);
    this.enter('planning');
  }

  /** Runs the planning activity. */
  async plan(
    activity: ActivityFunctionWithOptions<(job: JobFor<T>, lanes: number) => Promise<Prepared>>,
  ): Promise<Prepared> {
    const summary = `plan ${describeTarget(this.job.target)}`;
    const prepared = await this.persist('planning', summary, (options) =>
      activity.executeWithOptions(options, [this.job, this.controls.concurrency]),
    ).catch(rethrow);
    Object.assign(this.done, withLies(prepared.lies));
    const network = 'unit' in prepared ? prepared.anchor.network : undefined;
    if (network !== undefined && network !== this.job.network) {
      upsertSearchAttributes([{ key: NETWORK, value: network }]);
    }
    if (!('committed' in prepared)) return prepared;
    this.enter('done');
    return { committed: { ...prepared.committed, ...withLies(prepared.lies) } };
  }

  /**
   * Has every range of the unit stored and proven, segment by segment. Ranges that failed for good
   * are tried again when everything else is done, or at once when nothing works any more.
   */
  async storeRanges(unit: Unit, from = 0): Promise<void> {
    this.unit = unit;
    this.enter('backing up');
    let next = from;
    let stopped = false;
    while (next < unit.rangeCount || this.failed.length > 0) {
      if (this.failed.length > 0 && (stopped || next >= unit.rangeCount)) {
        await this.block();
        const again = this.failed.splice(0);
        const quarantined = again.flatMap((f) => (f.quarantined ? [f.index] : []));
        const only = again.map((f) => f.index);
        const result = await this.runSegment(unit, { only }, quarantined);
        const notBegun = 'only' in result.left ? result.left.only : [];
        this.failed.push(...again.filter((f) => notBegun.includes(f.index)));
        stopped = this.failed.length > 0;
      } else {
        const to = Math.min(next + segmentSize(unit), unit.rangeCount);
        const result = await this.runSegment(unit, { from: next, to });
        next = 'from' in result.left ? result.left.from : to;
        stopped = next < to || this.failed.length >= MOST_FAILED;
      }
    }
  }

  /** Runs the committing activity. Ranges that it finds missing or changed are stored again first. */
  async commit(
    activity: ActivityFunctionWithOptions<(job: Job, unit: Unit) => Promise<BackupResult>>,
    unit: Unit,
  ): Promise<BackupResult> {
    const summary = `commit ${unit.folder}`;
    for (let repairs = 0; ; repairs += 1) {
      this.enter('committing');
      try {
        const result = await this.persist('committing', summary, (options) =>
          activity.executeWithOptions(options, [this.job, unit]),
        );
        this.enter('done');
        const { reused, lies } = this.done;
        return { ...result, chunks_reused: reused, ...withLies(lies, result.lies) };
      } catch (error) {
        const broken = incompleteRanges(error);
        if (!broken || repairs === MOST_REPAIRS) rethrow(error);
        await this.storeAgain(unit, broken);
      }
    }
  }

  private async storeAgain(unit: Unit, broken: number[]): Promise<void> {
    this.enter('backing up');
    const before = { ...this.done };
    const { left } = await this.runSegment(unit, { only: broken });
    Object.assign(this.done, before); // they were counted when they were stored first
    const notBegun = 'only' in left ? left.only : [];
    const reason = 'not begun: too many others failed';
    this.failed.push(...notBegun.map((index) => ({ index, reason })));
    await this.storeRanges(unit, unit.rangeCount);
  }

  private async runSegment(
    unit: Unit,
    ranges: SegmentInput['ranges'],
    quarantined: number[] = [],
  ): Promise<SegmentResult> {
    this.segmentsStarted += 1;
    const { concurrency, paused } = this.controls;
    const number = String(this.segmentsStarted).padStart(5, '0');
    this.segment = await startChild(chunkSegment, {
      workflowId: `${workflowInfo().workflowId}/segment/${number}`,
      args: [
        {
          job: this.job,
          unit,
          ranges,
          controls: { concurrency, paused },
          ...(quarantined.length > 0 ? { quarantined } : {}),
        },
      ],
      parentClosePolicy: 'REQUEST_CANCEL',
      staticSummary: `${describeTarget(this.job.target)}, ${describeRanges(unit, ranges)}`,
    });
    // Somebody may have turned a control while the segment was being started.
    const turned = this.controls.concurrency !== concurrency || this.controls.paused !== paused;
    if (turned) await this.tellSegment();
    const result = await this.segment.result();
    this.segment = undefined;
    addTotals(this.done, result.done);
    this.failed.push(...result.failed);
    this.showDetails();
    return result;
  }

  /** Waits for somebody to ask for a retry, or long enough; or fails, as the input says. */
  private async block(): Promise<void> {
    const first = this.failed[0]!;
    const what = `${this.failed.length} range(s) failed, first ${this.rangeOf(first.index)}: ${first.reason}`;
    if (this.controls.whenBlocked === 'fail' || this.blocks >= MOST_BLOCKS) {
      const { lies } = this.done;
      const deadly = this.failed.every(({ quarantined }) => quarantined);
      const type = deadly ? QUARANTINED : 'RANGES_FAILED';
      throw ApplicationFailure.nonRetryable(what, type, ...(lies ? [{ lies }] : []));
    }
    await this.waitBlocked(what, 'backing up');
  }

  /**
   * Plans or commits, however long storage or node are away, if the input says that it may wait. What is
   * in quarantine is tried again, too, and only apart.
   */
  private async persist<R>(
    phase: Phase,
    summary: string,
    run: (options: ActivityOptions) => Promise<R>,
  ): Promise<R> {
    for (let deadly = false; ;) {
      try {
        return await runOrApart(controlOptions, summary, run, deadly);
      } catch (error) {
        const waits = this.controls.whenBlocked === 'wait' && this.blocks < MOST_BLOCKS;
        const quarantined = failureCode(error) === QUARANTINED;
        if (!waits || !(quarantined || mayPass(error))) throw error;
        deadly ||= quarantined;
        await this.waitBlocked(reasonOf(error), phase);
      }
    }
  }

  private async waitBlocked(what: string, then: Phase): Promise<void> {
    const wait = Math.min(FIRST_RETRY_MS * 2 ** this.blocks, LAST_RETRY_MS);
    this.blocks += 1;
    this.waitingFor = `${what}; waiting for aptos-backup retry, or ${wait / 60_000} minutes`;
    this.enter('blocked');
    await condition(() => this.retryAsked, wait);
    this.retryAsked = false;
    this.waitingFor = undefined;
    this.enter(then);
  }

  private askRetry(): number {
    if (this.phase !== 'blocked') return 0;
    this.retryAsked = true;
    return Math.max(1, this.failed.length);
  }

  private async setConcurrency(value: number): Promise<number> {
    this.controls.concurrency = value;
    await this.tellSegment();
    return value;
  }

  private async setControls(latest: unknown): Promise<void> {
    turnControls(this.controls, latest);
    this.showDetails();
    await this.tellSegment();
  }

  private async setPaused(paused: boolean): Promise<void> {
    this.controls.paused = paused;
    this.showDetails();
    await this.tellSegment();
  }

  private async tellSegment(): Promise<void> {
    const { concurrency, paused } = this.controls;
    try {
      await this.segment?.signal(controlsSignal, { concurrency, paused });
    } catch {
      // It ended in between; the next segment starts with the new controls.
    }
  }

  private enter(phase: Phase): void {
    this.phase = phase;
    upsertSearchAttributes([{ key: PHASE, value: phase }]);
    this.showDetails();
  }

  private status(): BackupStatus {
    return {
      target: describeTarget(this.job.target),
      phase: this.phase,
      ...(this.waitingFor === undefined ? {} : { waitingFor: this.waitingFor }),
      ...(this.unit ? { folder: this.unit.folder } : {}),
      rangesTotal: this.unit?.rangeCount ?? 0,
      recordsTotal: this.unit?.records ?? '0',
      done: { ...this.done },
      concurrency: this.controls.concurrency,
      paused: this.controls.paused,
      failed: this.failed.map(({ index, ...failure }) => ({
        range: this.rangeOf(index),
        ...failure,
      })),
      ...(this.segment ? { segment: this.segment.workflowId } : {}),
    };
  }

  private rangeOf(index: number): string {
    const { first, last } = rangeAt(this.unit!, index);
    return `${first}-${last}`;
  }

  private showDetails(): void {
    const { target, phase, waitingFor, paused, rangesTotal, done, failed } = this.status();
    setCurrentDetails(
      [
        `**${target}**: ${phase}${paused ? ', paused' : ''}`,
        ...(waitingFor === undefined ? [] : [escapeMarkdown(waitingFor)]),
        totalsTable(done, rangesTotal, failed),
      ].join('\n\n'),
    );
  }
}

function describeRanges(unit: Unit, ranges: SegmentInput['ranges']): string {
  if ('only' in ranges) return `${ranges.only.length} range(s) again`;
  return `${rangeAt(unit, ranges.from).first} to ${rangeAt(unit, ranges.to - 1).last}`;
}

function rethrow(error: unknown): never {
  throw asWorkflowFailure(error);
}
