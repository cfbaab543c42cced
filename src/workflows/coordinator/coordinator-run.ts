import {
  allHandlersFinished,
  condition,
  continueAsNew,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow';
import type { ErrorCode } from '../../errors/catalogue.js';
import type { CoordinatorInput } from '../../contract/coordinator-input.js';
import { STREAMS, type WatchResult } from '../../contract/coordinator-state.js';
import { type CoordinatorMemory } from '../../contract/coordinator-memory.js';
import type { BackupType } from '../../contract/job.js';
import { BACKUP_TYPE, NETWORK, PHASE } from '../../contract/search-attributes.js';
import { Attributes, storageAttribute } from '../known-attributes.js';
import { CopyWork } from './copy-work.js';
import { answerMessages } from './coordinator-messages.js';
import type { Decision, Situation } from '../../contract/kinds/situation.js';
import { decide } from './decide.js';
import { Hindrance } from './hindrance.js';
import { Memory } from './memory/memory.js';
import { openMemory } from './memory/open-memory.js';
import type { UnitEnd } from './memory/unit-end.js';
import { NodeWatch } from './node-watch.js';
import { describeStatus } from './describe-status.js';
import { statusOf } from './status.js';
import { StorageWork } from './storage-work.js';
import { UnitsInHand } from './units-in-hand.js';
import { watchOrderOf } from './watch-order.js';
import type { CoordinatorStatus } from '../../contract/answers/coordinator-answers.js';

/**
 * About four days of an idle chain, or forty units. Every workflow task and query replays the whole
 * history.
 */
const LONG_HISTORY = 600;
/** Another process has stored the range of this unit, or a part of it. */
const OVERTAKEN: readonly ErrorCode[] = ['RANGE_COMMITTED', 'RANGE_OVERLAP'];

/** One run of the coordinator: its memory, and the parts that observe, wait and back up. */
export class CoordinatorRun {
  readonly memory: Memory;
  readonly storage: StorageWork;
  readonly copies: CopyWork;
  readonly units: UnitsInHand;
  private readonly hindrance: Hindrance;
  private readonly watch: NodeWatch;
  /** What each idle stream waits for. */
  private readonly waiting: Partial<Record<BackupType, Decision>> = {};
  private news = true;
  private clockSetBack = false;
  private phase = '';
  private readonly attributes: Attributes;

  constructor(
    private readonly input: CoordinatorInput,
    memory: unknown,
  ) {
    this.memory = new Memory(openMemory(input, memory, Date.now()));
    this.hindrance = new Hindrance(this.memory, () => {
      this.storage.beginAnew();
      this.show();
    });
    this.storage = new StorageWork(this.memory, this.hindrance, () => this.wake());
    this.copies = new CopyWork(this.memory, this.hindrance, () => this.wake());
    this.units = new UnitsInHand(this.memory, ({ target }, end) =>
      this.unitEnded(target.type, end),
    );
    this.watch = new NodeWatch({
      seen: (result) => this.seen(result),
      seenBefore: ({ view }) => this.memory.nodeSeenBefore(view),
      watchFailed: (error) => {
        this.hindrance.failed('WATCH', error);
        this.news = true;
      },
    });
    answerMessages(this);
    this.attributes = new Attributes(
      { key: BACKUP_TYPE, value: 'coordinator' },
      { key: NETWORK, value: this.memory.known.settings.network ?? 'unknown' },
      storageAttribute(this.memory.known.settings.storage),
    );
  }

  /** Wakes the main loop, because something changed that decisions depend on. */
  wake(): void {
    this.hindrance.endRest();
    this.news = true;
  }

  /** Starts the next unit of every idle stream that has something to do. */
  startUnits(): void {
    this.memory.dueLookedAt(this.hindrance.why !== undefined, Date.now());
    for (const type of STREAMS) {
      delete this.waiting[type];
      const situation = this.situationOf(type);
      if (!situation) continue;
      const decision = decide(type, situation);
      if ('start' in decision) this.units.start(decision.start, situation.survey.storageId);
      else this.waiting[type] = decision;
    }
    this.show();
  }

  /** Undefined while the stream is busy or paused, or while too little is known. */
  private situationOf(type: BackupType): Situation | undefined {
    const { survey, node, settings, streams } = this.memory.known;
    const { running } = this.units;
    if (running[type] || streams[type].paused || this.hindrance.why !== undefined) return undefined;
    if (!survey || !node || node.at === 0 || node.problem !== undefined) return undefined;
    const epochsBegun = running.epoch_ending?.since;
    return { settings, survey, node, streams, now: Date.now(), epochsBegun };
  }

  /** Waits in a watch on the node until something happens. */
  async waitForNews(): Promise<void> {
    if (this.hindrance.why === undefined) this.keepWatching();
    else this.watch.drop();
    const rest = this.hindrance.restLeft;
    if (this.hindrance.why === undefined || rest <= 0) await condition(() => this.news);
    // Trust the timer, not the clock: somebody may have set the clock back.
    else if (!(await condition(() => this.news, rest))) this.hindrance.endRest();
    this.news = false;
  }

  /**
   * True when the history is long, or when the server's clock was set back. Within one run, workflow time
   * never goes back.
   */
  mustBeginAnew(): boolean {
    const { historyLength, continueAsNewSuggested } = workflowInfo();
    return historyLength > LONG_HISTORY || continueAsNewSuggested || this.clockSetBack;
  }

  /** Units go on while the next run starts. It joins them again. */
  async continueAsNew(): Promise<never> {
    await this.watch.end();
    await condition(allHandlersFinished);
    const memory = this.memory.handOver(this.units.targets, this.storage);
    return continueAsNew<(input: CoordinatorInput, memory: CoordinatorMemory) => Promise<never>>(
      this.input,
      memory,
    );
  }

  /**
   * Forgets what is known of the node, because it is wrong. Nothing starts before the node is asked
   * again.
   */
  lookAnew(): void {
    this.memory.nodeDoubted(Date.now());
    this.watch.drop();
  }

  status(): CoordinatorStatus {
    const { why } = this.hindrance;
    return statusOf(this.memory.known, this.units.running, this.waiting, why, Date.now());
  }

  private unitEnded(type: BackupType, end: UnitEnd): void {
    if ('committed' in end) this.storage.unitCommitted(end.committed);
    if ('failed' in end) {
      const { code } = end.failed;
      if (code === 'NODE_BEHIND') this.lookAnew();
      // A new watch first asks the node for its prune edges.
      if (code === 'NODE_PRUNED') this.watch.drop();
      if (OVERTAKEN.includes(code)) this.storage.askSurvey();
    }
    this.wake();
  }

  private keepWatching(): void {
    const { tidying } = this.storage;
    const { watchFailed } = this.hindrance;
    const doing = { tidying, watchFailed };
    this.watch.keep(watchOrderOf(this.memory.known, this.units.running, this.waiting, doing));
  }

  private seen({ view, snapshotLost, claimLost, clockSetBack, lies }: WatchResult): void {
    this.news = true;
    this.memory.nodesLied(lies, Date.now());
    if (clockSetBack) {
      this.clockSetBack = true;
      return;
    }
    if (claimLost !== undefined) {
      this.hindrance.heldBy(claimLost);
      return;
    }
    this.memory.nodeSeen(view);
    this.hindrance.over('WATCH');
    if (snapshotLost !== undefined) this.units.running.state_snapshot?.giveUp(snapshotLost);
  }

  private show(): void {
    this.memory.alarmsLookedAt(Date.now(), this.hindrance.lasting);
    const status = this.status();
    if (status.phase !== this.phase) {
      this.phase = status.phase;
      this.attributes.set({ key: PHASE, value: status.phase });
    }
    setCurrentDetails(describeStatus(status));
  }
}
