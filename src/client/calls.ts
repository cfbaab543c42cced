import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, ServiceError } from '@temporalio/client';
import { orAborted } from '../lib/or-aborted.js';

/** Longest time of one poll. Each call in a scope (`abortable`) adds a listener, so a scope must end now and then. */
const POLL_MS = 60_000;
const SERVER_AWAY_MS = 2_000;

/**
 * Runs `work`, whose client calls end when the signal aborts. For each call, the client adds a listener to the
 * signal and never removes it. So `work` gets a signal of its own, and a long-lived `signal` collects none.
 */
export async function abortable<T>(
  client: Client,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const scope = new AbortController();
  setMaxListeners(0, scope.signal); // each running call adds a listener; no warning about many
  const abort = () => scope.abort(signal.reason);
  signal.addEventListener('abort', abort);
  try {
    return await client.withAbortSignal(scope.signal, work);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/**
 * Waits for the result of a workflow for as long as it takes, also while the server is away. Rejects at once when
 * the signal aborts, even if the client's connection ignores the signal, as that of a worker does.
 */
export async function resultOf<T>(
  client: Client,
  handle: { result(): Promise<T> },
  signal: AbortSignal,
): Promise<T> {
  return orAborted(poll(client, handle, signal), signal);
}

async function poll<T>(
  client: Client,
  handle: { result(): Promise<T> },
  signal: AbortSignal,
): Promise<T> {
  for (;;) {
    try {
      return await abortable(client, signal, () =>
        client.withDeadline(Date.now() + POLL_MS, () => handle.result()),
      );
    } catch (error) {
      if (signal.aborted || !(error instanceof ServiceError)) throw error;
      await sleep(SERVER_AWAY_MS, undefined, { signal });
    }
  }
}
