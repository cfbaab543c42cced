import { Context } from '@temporalio/activity';
import { type Budgets, type FailureCounts, readFailureCounts, toFailure } from './failures.js';

const HEARTBEAT_INTERVAL_MS = 5_000;

export interface Heart {
  signal: AbortSignal;
  /** Replaces the progress that the next heartbeats carry. */
  beat: (progress: object) => void;
}

/**
 * Runs the body of an activity between heartbeats: one at once, with what the last attempt left;
 * one for each `beat`; and one with the failure count before it fails, so that the next attempt
 * knows how often it was tried. With `everyFewSeconds` also while the body only waits; not for work
 * that reports by itself, whose silence must be noticed.
 */
export async function withHeartbeat<T>(
  budgets: Budgets,
  options: { everyFewSeconds: boolean },
  body: (heart: Heart) => Promise<T>,
): Promise<T> {
  const context = Context.current();
  const earlier = context.info.heartbeatDetails as unknown;
  const failures: FailureCounts = readFailureCounts(earlier);
  let progress: object = typeof earlier === 'object' && earlier !== null ? earlier : {};
  const send = () => context.heartbeat({ ...progress, failures });
  send();
  const timer = options.everyFewSeconds ? setInterval(send, HEARTBEAT_INTERVAL_MS) : undefined;
  try {
    return await body({
      signal: context.cancellationSignal,
      beat(latest) {
        progress = latest;
        send();
      },
    });
  } catch (error) {
    if (context.cancellationSignal.aborted) throw context.cancellationSignal.reason;
    const failure = toFailure(error, failures, budgets);
    send();
    throw failure;
  } finally {
    clearInterval(timer);
  }
}
