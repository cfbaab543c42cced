import { AsyncLocalStorage } from 'node:async_hooks';
import { ApplicationFailure, Context } from '@temporalio/activity';
import { codeOfFailure, failureOf } from '../contract/failure.js';
import type { ErrorCode } from '../errors/catalogue.js';
import type { Answers } from '../backup/plan/learnt.js';
import type { NodeRest } from '../site/node-rests.js';
import type { Lie } from '../contract/lies.js';
import { APART_QUEUE, KILLS_ITS_WORKER, QUARANTINED, WORKER_DIED } from '../contract/messages.js';
import { HANDED_BACK, STRAY_ERROR, handedBack } from './hand-back.js';
import { tellHeartbeat } from './tell-supervisor.js';
import {
  type Budgets,
  type FailureCounts,
  countFailure,
  readFailureCounts,
  toFailure,
} from './activity-failure.js';

const HEARTBEAT_INTERVAL_MS = 5_000;
/** The failure code of an attempt whose process stood still: it was stopped, or its host slept. */
const STOOD_STILL = 'STOOD_STILL' satisfies ErrorCode;

/** What the attempts of an activity tell each other. Heartbeats carry it. */
export interface Series {
  /** Failures since the furthest attempt so far, plus all deaths of workers. */
  failures: FailureCounts;
  /** Number of earlier failures that no longer count. */
  forgotten: number;
  /** The furthest progress of any attempt, in the measure of the activity. */
  reached: number;
  /** What a plan has learnt from its node. */
  learnt?: Answers;
  /** With several nodes: the last failure of each. */
  rests: readonly NodeRest[];
  /** The newest lie of each node. */
  lies: readonly Lie[];
}

export interface Heart {
  signal: AbortSignal;
  series: Series;
  /** Sets the progress that heartbeats carry from now on, and sends one. */
  beat: (progress: object) => void;
  /**
   * Reports progress in a measure that survives attempts. When an attempt gets further than all before,
   * failures and pauses start at zero, because the next failure concerns something else.
   */
  reached: (measure: number) => void;
}

/** What happens when workers die with an activity in hand. */
export interface Deaths {
  /**
   * Most deaths. Deaths that a supervisor reported and stray errors of the worker count once. An attempt
   * that ended without a report counts half: a host died, or the server or the process was away.
   */
  most: number;
  /** Called before the activity moves to the apart worker. */
  beforeApart?: () => Promise<void>;
}

const hearts = new AsyncLocalStorage<Heart>();

/** The heart of the calling activity. */
export function currentHeart(): Heart {
  const heart = hearts.getStore();
  if (!heart)
    throw new Error(
      'no heart: this code runs outside an activity, or the activity interceptor is missing',
    );
  return heart;
}

/**
 * Runs the body of an activity and sends heartbeats: one at the start with the state of the last attempt,
 * one every few seconds, and one for each `beat`. Before it fails, it sends the failure counts, so that
 * the next attempt knows the tries and the nodes so far. It detects no hangs: threads, the storage and
 * the client of the node watch themselves. An attempt whose process stood still for the heartbeat timeout
 * gives up, because the next attempt has started.
 */
export async function withHeartbeat<T>(
  budgets: Budgets,
  body: () => Promise<T>,
  deaths?: Deaths,
): Promise<T> {
  const context = Context.current();
  const earlier = context.info.heartbeatDetails as unknown;
  const series = readSeries(earlier);
  const { failures } = series;
  let progress: object = typeof earlier === 'object' && earlier !== null ? earlier : {};
  const silence = new AbortController();
  let sentAt = performance.now();
  const send = () => {
    const now = performance.now();
    const silentMs = now - sentAt;
    sentAt = now;
    const timedOut = silentMs >= (context.info.heartbeatTimeoutMs ?? Infinity);
    if (timedOut) silence.abort(stoodStill(silentMs));
    const details = { ...progress, ...series };
    context.heartbeat(details);
    tellHeartbeat(context.info, details);
  };
  send();
  const timer = setInterval(send, HEARTBEAT_INTERVAL_MS);
  try {
    const deadly = deadlyFailure(series, deaths?.most);
    if (deadly) {
      if (!isAlone()) await deaths?.beforeApart?.();
      throw deadly;
    }
    const heart: Heart = {
      signal: AbortSignal.any([context.cancellationSignal, silence.signal]),
      series,
      beat(latest) {
        progress = latest;
        send();
      },
      reached: (measure) => noteReached(series, measure),
    };
    return await hearts.run(heart, body);
  } catch (error) {
    if (context.cancellationSignal.aborted) {
      const stops = context.cancellationDetails?.workerShutdown === true;
      const failure = stops ? handedBack() : undefined;
      countFailure(failures, failure ? codeOfFailure(failure) : HANDED_BACK);
      send();
      throw failure ?? context.cancellationSignal.reason;
    }
    if (silence.signal.aborted) {
      countFailure(failures, STOOD_STILL);
      send();
      throw silence.signal.reason;
    }
    const failure = toFailure(error, failures, budgets, series.lies, pauseOf(series));
    send();
    throw failure;
  } finally {
    clearInterval(timer);
  }
}

function stoodStill(silentMs: number): ApplicationFailure {
  const why = `its process did nothing for ${Math.round(silentMs / 1000)} s; another attempt goes on`;
  return failureOf(STOOD_STILL, why);
}

function readSeries(details: unknown): Series {
  const { rests, lies, forgotten, reached, learnt } = (details ?? {}) as Partial<Series>;
  return {
    failures: readFailureCounts(details),
    forgotten: Number.isInteger(forgotten) ? forgotten! : 0,
    reached: typeof reached === 'number' ? reached : 0,
    ...(typeof learnt?.node === 'string' ? { learnt } : {}),
    rests: Array.isArray(rests) ? rests : [],
    lies: Array.isArray(lies) ? lies : [],
  };
}

/**
 * Records progress. Deaths still count afterwards, because another activity in the same process may have
 * caused them.
 */
function noteReached(series: Series, measure: number): void {
  if (measure <= series.reached) return;
  series.reached = measure;
  const { failures } = series;
  for (const [code, times] of Object.entries(failures)) {
    if (isDeath(code)) continue;
    series.forgotten += times;
    delete failures[code];
  }
}

function isDeath(code: string): boolean {
  return code === WORKER_DIED || code === STRAY_ERROR;
}

/**
 * The pause after one more failure, when the server's own would be longer because it counts all attempts.
 */
function pauseOf({ failures, forgotten }: Series): number | undefined {
  if (forgotten === 0) return undefined;
  const policy = Context.current().info.retryPolicy as unknown;
  const { initialInterval, maximumInterval } = (policy ?? {}) as Record<string, unknown>;
  const times = Object.entries(failures).reduce(
    (sum, [code, count]) => (isDeath(code) ? sum : sum + count),
    0,
  );
  const ms = (interval: unknown, otherwise: number) =>
    typeof interval === 'number' ? interval : otherwise;
  return Math.min(ms(initialInterval, 1_000) * 2 ** times, ms(maximumInterval, 15_000));
}

/** Whether this is the apart worker, which takes one activity at a time. */
export function isAlone(): boolean {
  return Context.current().info.taskQueue === APART_QUEUE;
}

/** The failure that moves an activity to the apart worker. `why` is for people. */
export function killsItsWorker(why: string): ApplicationFailure {
  return failureOf(KILLS_ITS_WORKER, `${why}; it is tried apart`);
}

/**
 * KILLS_ITS_WORKER after too many deaths, or QUARANTINED after as many in the apart worker; undefined
 * below that.
 */
function deadlyFailure(
  { failures, forgotten }: Series,
  most: number | undefined,
): ApplicationFailure | undefined {
  const { attempt } = Context.current().info;
  const seen = (failures[WORKER_DIED] ?? 0) + (failures[STRAY_ERROR] ?? 0);
  const told = Object.values(failures).reduce((sum, count) => sum + count, forgotten);
  const silent = attempt - 1 - told;
  if (most === undefined || seen + silent / 2 < most) return undefined;
  const unseen = silent > 0 ? `, and ${silent} attempts ended without a report` : '';
  if (!isAlone()) return killsItsWorker(`its worker died ${seen} times while it ran${unseen}`);
  return failureOf(
    QUARANTINED,
    `it killed its worker ${seen} times in a row${unseen}, although nothing else ran there; it is in quarantine until a retry`,
  );
}
