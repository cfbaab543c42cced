import {
  CancellationScope,
  allHandlersFinished,
  condition,
  continueAsNew,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { CoordinatorActivities } from '../../activities/coordinator.js';
import type { CoordinatorInput } from '../../plan/coordinator-input.js';
import { type CoordinatorMemory, STREAMS, type WatchResult } from '../../plan/coordinator.js';
import { type Decision, decide } from '../../plan/decide.js';
import type { BackupType, Target } from '../../plan/job.js';
import { BACKUP_TYPE, NETWORK, PHASE } from '../../plan/search-attributes.js';
import type { BackupResult } from '../../plan/unit.js';
import { watchOptions } from '../activity-options.js';
import { reasonOf } from '../failures.js';
import type { LaneControls } from '../lanes.js';
import { refreshAlarms } from './alarms.js';
import { clear, dropPruned, noteEnd, noteLies, raise } from './bookkeeping.js';
import { answerMessages } from './coordinator-messages.js';
import { noteWhatIsDue } from './due.js';
import { openMemory } from './memory.js';
import { describeStatus, statusOf } from './status.js';
import { TIDY_AFTER_MS, claim, release, survey, tidy } from './storage-work.js';
import { type Running, RunningUnit } from './units.js';
import { watchOrderOf, watchSummary } from './watch-order.js';

const { watchNode } = proxyActivities<CoordinatorActivities>(watchOptions);

/** A storage is read anew this often, in case somebody else wrote to it or took something away. */
const SURVEY_MS = 6 * 60 * 60_000;
/** About four days of an idle chain, or forty units. Every workflow task and query goes through all of it. */
const LONG_HISTORY = 600;
const FIRST_REST_MS = 15_000;
const LONGEST_REST_MS = 10 * 60_000;
/** Somebody else has stored all or some of the range of a unit. */
const OVERTAKEN = ['RANGE_COMMITTED', 'RANGE_OVERLAP'];

/** One run of the coordinator: what it knows, what it waits for, and the units it has running. */
export class CoordinatorRun {
  readonly memory: CoordinatorMemory;
  readonly running: Running = {};
  readonly waiting: Partial<Record<BackupType, Decision>> = {};
  /** Why nothing at all may be started: the storage or the node is not as it must be. */
  blockedBy: string | undefined;
  private blockedUntil = 0;
  private readonly rests = new Map<string, number>();
  /** Whether this is the one coordinator that its storage has, on whatever server. */
  private claimed = false;
  private news = true;
  private surveyAsked = false;
  private tidying = false;
  private clockSetBack = false;
  /** Streams that have begun a unit in this run. */
  private readonly joined = new Set<BackupType>();
  private committedMeanwhile: BackupResult[] = [];
  private watch: { key: string; scope: CancellationScope } | undefined;
  private phase = '';

  constructor(
    private readonly input: CoordinatorInput,
    memory: unknown,
  ) {
    this.memory = openMemory(input, memory, Date.now());
    answerMessages(this);
    upsertSearchAttributes([
      { key: BACKUP_TYPE, value: 'coordinator' },
      { key: NETWORK, value: this.memory.settings.network ?? 'unknown' },
    ]);
  }

  /** Something changed that decisions depend on. */
  wake(options: { survey?: boolean } = {}): void {
    if (options.survey) this.surveyAsked = true;
    this.blockedUntil = 0;
    this.news = true;
  }

  /**
   * Sees to it that no other coordinator, of another server, works on this storage: claims it, or waits
   * until whoever has it is gone. Returns whether it is ours.
   */
  async claimStorage(): Promise<boolean> {
    if (this.claimed) return true;
    if (Date.now() < this.blockedUntil) return false;
    try {
      let holder = await claim(this.memory, { wait: false });
      if (holder !== undefined) {
        this.standBy(holder);
        holder = await claim(this.memory, { wait: true });
      }
      if (holder !== undefined) {
        this.news = true; // look again at once
        return false;
      }
    } catch (error) {
      if (isCancellation(error)) throw error;
      this.block('STORAGE', reasonOf(error));
      return false;
    }
    this.claimed = true;
    this.unblock('LEASE');
    return true;
  }

  /** For a coordinator that was cancelled. */
  async release(): Promise<void> {
    if (this.claimed) await release(this.memory);
  }

  /** Learns what the storage holds: at the start, when asked to, and every few hours. */
  async surveyWhenDue(): Promise<void> {
    const { memory } = this;
    const due = Date.now() - memory.surveyedAt >= SURVEY_MS || this.surveyAsked;
    if (!due || Date.now() < this.blockedUntil) return;
    this.committedMeanwhile = [];
    try {
      await survey(memory, this.committedMeanwhile);
      this.surveyAsked = false;
      this.unblock('STORAGE');
    } catch (error) {
      if (isCancellation(error)) throw error;
      this.block('STORAGE', reasonOf(error));
    }
  }

  /** Has removed what nothing will ever name: after each survey, and soon after something was given up. */
  tidyWhenDue(): void {
    const { tidyAt } = this.memory;
    if (this.tidying || tidyAt === undefined || Date.now() < tidyAt) return;
    if (this.blockedBy !== undefined) return;
    this.tidying = true;
    // Nothing waits for it: it may take long.
    void tidy(this.memory, this.running).finally(() => {
      this.tidying = false;
      this.wake();
    });
  }

  /** Starts the next unit of every stream that has something to do and works on nothing. */
  startUnits(): void {
    noteWhatIsDue(this.memory, this.blockedBy !== undefined, Date.now());
    const { memory } = this;
    const { survey, node, settings, streams } = memory;
    for (const type of STREAMS) {
      delete this.waiting[type];
      if (this.running[type] || streams[type].paused || this.blockedBy !== undefined) continue;
      if (!survey || !node || node.at === 0 || node.problem !== undefined) continue;
      const epochsBegun = this.running.epoch_ending?.since;
      const now = Date.now();
      const decision = decide(type, { settings, survey, node, streams, now, epochsBegun });
      if ('start' in decision) this.start(decision.start, survey.storageId);
      else this.waiting[type] = decision;
    }
    this.show();
  }

  /** Sleeps in a watch on the node until something happens anywhere. */
  async waitForNews(): Promise<void> {
    if (this.blockedBy === undefined) this.keepWatching();
    else this.stopWatching();
    const rest = this.blockedUntil - Date.now();
    if (this.blockedBy === undefined || rest <= 0) await condition(() => this.news);
    // By the timer, not by the clock: that may have been set back.
    else if (!(await condition(() => this.news, rest))) this.blockedUntil = 0;
    this.news = false;
  }

  /** Its history is long; or the server's clock was set back, and within a run time only goes forward. */
  mustBeginAnew(): boolean {
    const { historyLength, continueAsNewSuggested } = workflowInfo();
    return historyLength > LONG_HISTORY || continueAsNewSuggested || this.clockSetBack;
  }

  /** Units go on by themselves; the next run joins them again. */
  async continueAsNew(): Promise<never> {
    await condition(allHandlersFinished);
    const { memory } = this;
    for (const type of STREAMS) {
      const unit = this.running[type];
      if (unit) memory.streams[type].requested.unshift(unit.target);
    }
    if (this.tidying) memory.tidyAt = 0;
    memory.runs += 1;
    return continueAsNew<(input: CoordinatorInput, memory: CoordinatorMemory) => Promise<never>>(
      this.input,
      memory,
    );
  }

  /** Hands cap and pause to the units that run. */
  async tellUnits(): Promise<void> {
    const units = STREAMS.flatMap((type) => this.running[type] ?? []);
    await Promise.all(units.map((unit) => unit.tell(this.controlsOf(unit.target.type))));
  }

  private controlsOf(type: BackupType): LaneControls {
    const { settings, streams } = this.memory;
    return { concurrency: settings.concurrency, paused: streams[type].paused };
  }

  status() {
    return statusOf(this.memory, this.running, this.waiting, this.blockedBy, Date.now());
  }

  private start(target: Target, storageId: string): void {
    const unit = new RunningUnit(target, Date.now(), storageId);
    this.running[target.type] = unit;
    // Cancelled with the coordinator: the main loop ends the workflow.
    this.follow(unit).catch((error: unknown) => {
      if (!isCancellation(error)) throw error;
    });
    // One that runs already may have been told otherwise, by the run before or another coordinator.
    if (this.joined.has(target.type)) return;
    this.joined.add(target.type);
    void unit.tell(this.controlsOf(target.type));
  }

  private async follow(unit: RunningUnit): Promise<void> {
    const end = await unit.run(this.memory.settings, true);
    delete this.running[unit.target.type];
    noteEnd(this.memory, unit.target, end, unit.since, Date.now());
    if ('committed' in end) this.committedMeanwhile.push(end.committed);
    if ('failed' in end && end.failed.code === 'NODE_BEHIND') this.lookAnew();
    // A watch that is begun now looks for the edges of the node first.
    if ('failed' in end && end.failed.code === 'NODE_PRUNED') this.stopWatching();
    if ('givenUp' in end) this.memory.tidyAt = Date.now() + TIDY_AFTER_MS;
    // Somebody else stored this range: look at what is there now.
    const surprised = 'failed' in end && OVERTAKEN.includes(end.failed.code);
    this.wake(surprised ? { survey: true } : {});
  }

  /** What is known of the node is wrong: nothing is begun before it was asked again. */
  lookAnew(): void {
    if (this.memory.node) this.memory.lookedAnewAt = Date.now();
    delete this.memory.node;
    this.stopWatching();
  }

  private keepWatching(): void {
    const order = watchOrderOf(this.memory, this.running, this.waiting, this.tidying);
    const { view: _, ...aims } = order;
    const key = JSON.stringify(aims);
    if (this.watch?.key === key) return;
    this.stopWatching();
    const scope = new CancellationScope();
    const watch = { key, scope };
    this.watch = watch;
    const summary = watchSummary(order);
    void scope
      .run(() =>
        watchNode.executeWithOptions({ ...watchOptions, summary }, [{ ...order, at: Date.now() }]),
      )
      .then(
        (result) => this.watch === watch && this.seen(result),
        (error: unknown) => {
          if (this.watch !== watch || isCancellation(error)) return; // dropped for another
          this.watch = undefined;
          this.block('WATCH', reasonOf(error));
          this.news = true;
        },
      );
  }

  private stopWatching(): void {
    const { watch } = this;
    this.watch = undefined;
    watch?.scope.cancel();
  }

  private seen({ view, snapshotLost, claimLost, clockSetBack, lies }: WatchResult): void {
    this.watch = undefined;
    noteLies(this.memory, lies, Date.now());
    if (clockSetBack) {
      this.clockSetBack = true;
      this.news = true;
      return;
    }
    if (claimLost !== undefined) {
      this.standBy(claimLost);
      this.news = true;
      return;
    }
    this.memory.node = view;
    dropPruned(this.memory);
    this.unblock('WATCH');
    if (snapshotLost !== undefined) this.running.state_snapshot?.giveUp(snapshotLost);
    this.news = true;
  }

  /** Another coordinator has the storage: nothing is begun, and all is looked at anew afterwards. */
  private standBy(holder: string): void {
    this.hinder('LEASE', `${holder} works on this storage; it is taken over when that one is gone`);
  }

  /** Nothing is begun for a while; then the storage is claimed and looked at anew. */
  private block(code: string, reason: string): void {
    const rest = this.rests.get(code) ?? FIRST_REST_MS;
    this.rests.set(code, Math.min(rest * 2, LONGEST_REST_MS));
    this.blockedUntil = Date.now() + rest;
    this.hinder(code, reason);
  }

  private hinder(code: string, reason: string): void {
    this.claimed = false;
    this.surveyAsked = true;
    this.blockedBy = reason;
    raise(this.memory, code, reason, Date.now());
    this.show();
  }

  private unblock(code: string): void {
    this.blockedBy = undefined;
    this.rests.delete(code);
    clear(this.memory, code);
  }

  private show(): void {
    refreshAlarms(this.memory, Date.now());
    const status = this.status();
    if (status.phase !== this.phase) {
      this.phase = status.phase;
      upsertSearchAttributes([{ key: PHASE, value: status.phase }]);
    }
    setCurrentDetails(describeStatus(status));
  }
}
