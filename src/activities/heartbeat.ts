import { ApplicationFailure, Context } from '@temporalio/activity';
import type { NodeRest } from '../backup/node-rests.js';
import type { Lie } from '../plan/lies.js';
import { APART_QUEUE, KILLS_ITS_WORKER, QUARANTINED, WORKER_DIED } from '../plan/messages.js';
import { HANDED_BACK, STRAY_ERROR, handedBack } from './hand-back.js';
import { tellHeartbeat } from './tell-supervisor.js';
import {
  type Budgets,
  type FailureCounts,
  countFailure,
  readFailureCounts,
  toFailure,
} from './failures.js';

const HEARTBEAT_INTERVAL_MS = 5_000;
/** The process of an attempt was stopped, or its host slept. */
const STOOD_STILL = 'STOOD_STILL';

/** What the attempts of an activity tell each other; travels in heartbeats. */
export interface Series {
  failures: FailureCounts;
  /** With several nodes: how each last failed. */
  rests: readonly NodeRest[];
  /** The newest lie of each node. */
  lies: readonly Lie[];
}

export interface Heart {
  signal: AbortSignal;
  series: Series;
  /** Replaces the progress that the next heartbeats carry. */
  beat: (progress: object) => void;
}

/** What is to be done about an activity that its workers die of. */
interface Deaths {
  /**
   * So many attempts may die, as their supervisor saw, or end with a stray error of their worker; and twice
   * as many without a word: of a host that died, or of a server or a process that was away for too long.
   */
  most: number;
  /** Called before it is moved apart. */
  beforeApart?: () => Promise<void>;
}

/**
 * Runs the body of an activity between heartbeats: one at once, with what the last attempt left;
 * one every few seconds and for each `beat`; and one with the failure count before it fails, so that the next
 * attempt knows how often it was tried, and with which nodes. What hangs is noticed by those who know
 * it: threads, the storage and the client of the node are watched by themselves. An attempt whose process
 * stood still for as long as the timeout is given up: the next one has begun.
 */
export async function withHeartbeat<T>(
  budgets: Budgets,
  body: (heart: Heart) => Promise<T>,
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
    const deadly = deadlyFailure(failures, deaths?.most);
    if (deadly) {
      if (!isAlone()) await deaths?.beforeApart?.();
      throw deadly;
    }
    return await body({
      signal: AbortSignal.any([context.cancellationSignal, silence.signal]),
      series,
      beat(latest) {
        progress = latest;
        send();
      },
    });
  } catch (error) {
    if (context.cancellationSignal.aborted) {
      const stops = context.cancellationDetails?.workerShutdown === true;
      const failure = stops ? handedBack() : undefined;
      countFailure(failures, failure?.type ?? HANDED_BACK);
      send();
      throw failure ?? context.cancellationSignal.reason;
    }
    if (silence.signal.aborted) {
      countFailure(failures, STOOD_STILL);
      send();
      throw silence.signal.reason;
    }
    const failure = toFailure(error, failures, budgets, series.lies);
    send();
    throw failure;
  } finally {
    clearInterval(timer);
  }
}

function stoodStill(silentMs: number): ApplicationFailure {
  const why = `its process stood still for ${Math.round(silentMs / 1000)} s; another attempt goes on`;
  return ApplicationFailure.retryable(why, STOOD_STILL);
}

function readSeries(details: unknown): Series {
  const { rests, lies } = (details ?? {}) as Partial<Series>;
  return {
    failures: readFailureCounts(details),
    rests: Array.isArray(rests) ? rests : [],
    lies: Array.isArray(lies) ? lies : [],
  };
}

/** Whether this worker takes one activity at a time, which was moved apart. */
export function isAlone(): boolean {
  return Context.current().info.taskQueue === APART_QUEUE;
}

/** Moves the activity apart, for what its workers died of; `why` is for people. */
export function killsItsWorker(why: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(`${why}; it is tried apart`, KILLS_ITS_WORKER);
}

/** KILLS_ITS_WORKER, or QUARANTINED when it was alone in its process; undefined: not that often. */
function deadlyFailure(
  failures: FailureCounts,
  most: number | undefined,
): ApplicationFailure | undefined {
  const { attempt } = Context.current().info;
  const seen = (failures[WORKER_DIED] ?? 0) + (failures[STRAY_ERROR] ?? 0);
  const silent = attempt - 1 - Object.values(failures).reduce((sum, count) => sum + count, 0);
  if (most === undefined || seen + silent / 2 < most) return undefined;
  const unseen = silent > 0 ? `, and ${silent} attempts ended without a word` : '';
  if (!isAlone()) return killsItsWorker(`its worker died ${seen} times while it ran${unseen}`);
  return ApplicationFailure.nonRetryable(
    `its worker died of it ${seen} times in a row${unseen}, although nothing else ran there; it is in quarantine until it is tried again`,
    QUARANTINED,
  );
}
