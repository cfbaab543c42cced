import type { ErrorCode } from '../../../errors/catalogue.js';
import type { AlarmCode } from '../../../errors/codes/alarms-codes.js';
import { type CoordinatorSettings, STREAMS } from '../../../contract/coordinator-state.js';
import type {
  CoordinatorMemory,
  NodeView,
  Survey,
  Unreferenced,
} from '../../../contract/coordinator-memory.js';
import {
  type BackupType,
  type Target,
  describeTarget,
  spanOfTarget,
  targetKey,
} from '../../../contract/job.js';
import { rulesOf } from '../../../contract/kinds/index.js';
import { type Lie, newestLies } from '../../../contract/lies.js';
import { withLatest, withoutConfirmed } from '../../../contract/node-view.js';
import type { BackupResult } from '../../../contract/unit.js';
import { alarmsOf } from '../alarms.js';
import { isDue } from '../decide.js';
import type { Known } from '../../../contract/known.js';
import { CopyRecord } from './copy-record.js';
import { addToSurvey, holdsSomeOf, requireStillListed } from './stored.js';
import { giveUp } from './give-up.js';
import { countCommit, countFailure } from './stream-counts.js';
import { TIDY_AFTER_MS } from './drop-future.js';
import { type UnitEnd, isGenesis, isSameUnit, restAfter } from './unit-end.js';

/** A lie is shown for a day, or until somebody retries everything. */
const LIE_TOLD_MS = 24 * 60 * 60_000;

/**
 * What a coordinator remembers. It survives a continue-as-new. Each method records an event. Only this
 * class writes the memory; others read `known`. Times are unix milliseconds.
 */
export class Memory {
  readonly copy: CopyRecord;

  constructor(private readonly kept: CoordinatorMemory) {
    this.copy = new CopyRecord(kept, this);
  }

  get known(): Known {
    return this.kept;
  }

  storageClaimed(): void {
    this.kept.begun = true;
  }

  /**
   * Records what a survey of the storage found. Units that were committed during the survey are added,
   * because it may have missed them. A failed unit that others have stored meanwhile is forgotten, and
   * the rest of its range is decided anew.
   */
  surveyed(
    { lies, ...found }: Survey,
    committedMeanwhile: readonly BackupResult[],
    now: number,
  ): void {
    requireStillListed(this.kept.survey, found);
    for (const result of committedMeanwhile) addToSurvey(found, result);
    this.kept.survey = found;
    this.kept.surveyedAt = now;
    this.nodesLied(lies, now);
    for (const stream of Object.values(this.kept.streams)) {
      stream.failed = stream.failed.filter(({ target }) => !holdsSomeOf(found, target));
    }
    this.kept.tidyAt = 0;
    this.copy.surveyed();
    const { compactAboveFiles: most = 0 } = this.kept.settings;
    if (most > 0 && (found.notCompacted ?? 0) > most) this.kept.compactDue = true;
    else this.compactionEnded(undefined, now);
  }

  compactionBegun(): void {
    delete this.kept.compactDue;
  }

  /** Undefined: it succeeded, or is not needed. */
  compactionEnded(failed: string | undefined, now: number): void {
    delete this.kept.compactDue;
    if (failed === undefined) this.alarmOver('COMPACTION');
    else this.alarmRaised('COMPACTION', `the metadata could not be compacted: ${failed}`, now);
  }

  tidyBegun(): void {
    delete this.kept.tidyAt;
  }

  tidied(found: Unreferenced, now: number): void {
    this.kept.unreferenced = found;
    if (found.again) this.tidyLater(now);
  }

  /** A unit that was given up may still write for a while, so the storage is tidied later. */
  private tidyLater(now: number): void {
    this.kept.tidyAt = now + TIDY_AFTER_MS;
  }

  /** Records what the watch in use saw of the node. */
  nodeSeen(view: NodeView): void {
    this.kept.node = withLatest(view, this.kept.node);
    this.dropPruned();
  }

  /** Records what a dropped watch saw of the node, so that the known tip does not go back. */
  nodeSeenBefore(view: NodeView): void {
    const { node, lookedAnewAt = 0 } = this.kept;
    if (!node || view.at < lookedAnewAt) return;
    // A dropped watch does not know of a waypoint that came meanwhile.
    this.kept.node = withoutConfirmed(withLatest(node, view), this.kept.settings);
  }

  /** Forgets what is known of the node, because it is wrong. */
  nodeDoubted(now: number): void {
    if (this.kept.node) this.kept.lookedAnewAt = now;
    delete this.kept.node;
  }

  /** Keeps the newest lie of each node, and drops lies that are too old. */
  nodesLied(lies: readonly Lie[] | undefined, now: number): void {
    const { nodes } = this.kept.settings;
    const told = newestLies(this.kept.lies, lies).filter(
      ({ node, at }) => nodes.includes(node) && now - at < LIE_TOLD_MS,
    );
    delete this.kept.lies;
    if (told.length > 0) this.kept.lies = told;
  }

  unitEnded(target: Target, end: UnitEnd, since: number, now: number): void {
    const stream = this.kept.streams[target.type];
    const before = stream.failed.find((failed) => isSameUnit(failed.target, target));
    stream.failed = stream.failed.filter((failed) => failed !== before);
    stream.requested = stream.requested.filter((asked) => !isSameUnit(asked, target));
    if ('committed' in end) this.unitCommitted(target, end.committed, since, now);
    else if ('givenUp' in end) this.unitGivenUp(target, end.givenUp, now);
    else this.unitFailed(target, end.failed, (before?.attempts ?? 0) + 1, now);
  }

  private unitCommitted(target: Target, result: BackupResult, since: number, now: number): void {
    const { type } = target;
    const { survey, streams } = this.kept;
    this.nodesLied(result.lies, now);
    countCommit(streams[type], result, since, now);
    this.alarmOver(`NODE_BEHIND_${type}`);
    if (survey) addToSurvey(survey, result);
    if (survey?.files !== undefined && !result.already_committed) survey.files += 1;
    if (rulesOf(type).givesUp && !isGenesis(target)) this.alarmOver('SNAPSHOT_GIVEN_UP');
  }

  private unitGivenUp(target: Target, why: string, now: number): void {
    giveUp(this.kept.streams[target.type], target);
    this.alarmRaised(
      'SNAPSHOT_GIVEN_UP',
      `the ${describeTarget(target)} was given up: ${why}`,
      now,
    );
    this.tidyLater(now);
  }

  private unitFailed(
    target: Target,
    { reason, code, lies }: { reason: string; code: ErrorCode; lies?: Lie[] | undefined },
    attempts: number,
    now: number,
  ): void {
    const { streams, node } = this.kept;
    const stream = streams[target.type];
    countFailure(stream, target, { code, reason }, now);
    this.nodesLied(lies, now);
    const what = `the ${describeTarget(target)}: ${reason}`;
    if (rulesOf(target.type).givesUp && code === 'NODE_PRUNED') {
      giveUp(stream, target);
      if (!isGenesis(target)) this.alarmRaised('SNAPSHOT_GIVEN_UP', what, now);
    } else if (code === 'NODE_BEHIND') {
      // The node does not have what it said it had. The unit is decided anew, not tried again.
      this.alarmRaised(`NODE_BEHIND_${target.type}`, what, now);
    } else {
      const retryAt = now + restAfter(code, attempts);
      stream.failed.push({ target, reason, code, attempts, failedAt: now, retryAt });
      if (code === 'NODE_PRUNED' && node) delete node.edgesAt;
    }
  }

  /**
   * Forgets transaction units whose first versions the node has pruned, once the prune edge is known. The
   * stream then starts at that edge, before more is pruned.
   */
  private dropPruned(): void {
    const { node, streams } = this.kept;
    const oldest = BigInt(node?.oldestVersion ?? 0);
    const { transaction } = streams;
    transaction.failed = transaction.failed.filter(
      ({ target, code }) => code !== 'NODE_PRUNED' || spanOfTarget(target).first >= oldest,
    );
  }

  /**
   * Records since when each stream has something to store. While nothing can start, every stream counts
   * as due, because nobody knows what it misses. A stream about which nothing is known keeps its old
   * value.
   */
  dueLookedAt(blocked: boolean, now: number): void {
    const { survey, node, settings, streams } = this.kept;
    const hindered = blocked || node?.problem !== undefined;
    for (const type of STREAMS) {
      const stream = streams[type];
      if (hindered) stream.dueSince ??= now;
      else if (!survey || !node || node.at === 0) continue;
      else if (isDue(type, { settings, survey, node, streams, now })) stream.dueSince ??= now;
      else delete stream.dueSince;
    }
  }

  /** `lasting`: alarms that something else raises and ends. */
  alarmsLookedAt(now: number, lasting: readonly AlarmCode[] = []): void {
    this.nodesLied(undefined, now);
    for (const { code, text } of alarmsOf(this.kept, now)) {
      if (lasting.includes(code)) continue;
      if (text === undefined) this.alarmOver(code);
      else this.alarmRaised(code, text, now);
    }
  }

  /** Raises an alarm, or changes its text. The alarm keeps the time at which it was first raised. */
  alarmRaised(code: AlarmCode, text: string, now: number): void {
    const raised = this.kept.alarms.find((alarm) => alarm.code === code);
    if (raised) raised.text = text;
    else this.kept.alarms.push({ code, text, since: now });
  }

  alarmOver(code: AlarmCode): void {
    this.kept.alarms = this.kept.alarms.filter((alarm) => alarm.code !== code);
  }

  pauseSet(streams: readonly BackupType[], paused: boolean): void {
    for (const stream of streams) this.kept.streams[stream].paused = paused;
  }

  concurrencySet(value: number): void {
    this.kept.settings.concurrency = value;
  }

  configured(settings: CoordinatorSettings): void {
    this.kept.settings = settings;
    if (this.kept.node) this.kept.node = withoutConfirmed(this.kept.node, settings);
  }

  /** Makes a failed unit (as `status` names it) or all due now, and asks anew for one given up. Returns how many. */
  retryAsked(unit: string | undefined): number {
    let asked = unit === undefined ? this.copy.retryAsked() : 0;
    if (unit === undefined) delete this.kept.lies;
    for (const type of STREAMS) {
      const stream = this.kept.streams[type];
      for (const failed of stream.failed) {
        if (unit !== undefined && unit !== targetKey(failed.target)) continue;
        failed.retryAt = 0;
        asked += 1;
      }
      const again = stream.givenUp.filter((epoch) => unit === `${type}/${epoch}`);
      stream.givenUp = stream.givenUp.filter((epoch) => !again.includes(epoch));
      if (type === 'state_snapshot') for (const epoch of again) this.unitAsked({ type, epoch });
      asked += again.length;
    }
    return asked;
  }

  unitAsked(target: Target): void {
    const { requested } = this.kept.streams[target.type];
    if (!requested.some((asked) => isSameUnit(asked, target))) requested.push(target);
  }

  /** Makes the open batch due. A unit that started before this request does not count as its answer. */
  nowAsked(type: BackupType, now: number): void {
    this.kept.streams[type].batchOpenSince = 0;
    this.kept.streams[type].askedAt = now;
  }

  /** Makes the open batch due, whenever the last one was committed. */
  openBatchDue(): void {
    this.kept.streams.transaction.batchOpenSince = 0;
  }

  /** The memory for the next run. It joins the running units first. */
  handOver(
    running: readonly Target[],
    { tidying, compacting }: { tidying: boolean; compacting: boolean },
  ): CoordinatorMemory {
    for (const target of running) this.kept.streams[target.type].requested.unshift(target);
    if (tidying) this.kept.tidyAt = 0;
    if (compacting) this.kept.compactDue = true;
    this.kept.runs += 1;
    return this.kept;
  }
}
