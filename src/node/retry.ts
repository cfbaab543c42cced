import { setTimeout as sleep } from 'node:timers/promises';
import { type NodeError, mayPassSoon } from './node-error.js';

/**
 * How often a request is made before its failure is reported. A node refuses data that it does not have in the same
 * way as data that it cannot give right now. With six tries, a node may fail a quarter of all requests at random, and
 * we still get the data.
 */
export const TRIES = 6;
/** The first pause between tries. Pauses double; all together they take about a second. */
const FIRST_PAUSE_MS = 40;
/** A node can ask us to wait (`Retry-After`). We wait no longer than this. */
const LONGEST_RETRY_AFTER_MS = 5_000;
/** No try begins later than this after the first try. */
const DEADLINE_MS = 30_000;

/**
 * The pause in milliseconds after the `nth` failure in a row (from 1). It doubles each time up to `longestMs`, and is
 * shortened by a random part, so that requests that failed together are not repeated together.
 */
export function pauseMs(nth: number, firstMs: number, longestMs: number): number {
  const whole = Math.min(firstMs * 2 ** (nth - 1), longestMs);
  return whole * (0.5 + Math.random() / 2);
}

/** Waits. @throws the signal's reason, as soon as it aborts */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal ? { signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** Counts the tries of one request and waits between them. */
export class Tries {
  private made = 1;
  private began = performance.now();

  constructor(
    private readonly firstPauseMs = FIRST_PAUSE_MS,
    private readonly signal?: AbortSignal,
  ) {}

  /** Waits until the request may be made again. @throws `error` if it cannot pass soon, or after the last try */
  async next(error: unknown): Promise<void> {
    this.signal?.throwIfAborted();
    if (!mayPassSoon(error)) throw this.made > 1 ? this.told(error) : error;
    const wait = this.pauseAfter(error);
    const late = performance.now() - this.began + wait > DEADLINE_MS;
    if (this.made >= TRIES || late) throw this.told(error);
    await pause(wait, this.signal);
    this.made += 1;
  }

  /** Runs a wait that is none of the node, and takes no time of the tries. */
  async excuse(wait: () => Promise<void>): Promise<void> {
    const begun = performance.now();
    await wait();
    this.began += performance.now() - begun;
  }

  private pauseAfter({ retryAfterMs }: NodeError): number {
    const wanted = Math.min(retryAfterMs ?? 0, LONGEST_RETRY_AFTER_MS);
    return Math.max(wanted, pauseMs(this.made, this.firstPauseMs, Infinity));
  }

  /** The last error, with the number of tries added. */
  private told(error: unknown): unknown {
    return mayPassSoon(error) && this.made > 1
      ? error.saying(` (asked ${this.made} times)`)
      : error;
  }
}
