import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, ServiceError } from '@temporalio/client';
import { orAborted } from '../or-aborted.js';

/** A long poll is asked anew so often: every call of a scope is remembered until the scope ends. */
const POLL_MS = 60_000;
const SERVER_AWAY_MS = 2_000;

/**
 * Calls that end when the signal aborts. The client adds a listener to a signal with each call and never takes
 * it away: so a signal that lives for long gets one for each scope.
 */
export async function abortable<T>(
  client: Client,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const scope = new AbortController();
  setMaxListeners(0, scope.signal); // every call that is under way listens to it
  const abort = () => scope.abort(signal.reason);
  signal.addEventListener('abort', abort);
  try {
    return await client.withAbortSignal(scope.signal, work);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/**
 * The result of a workflow, whenever it comes and however long the server is away meanwhile. Rejects at once
 * when the signal aborts: the connection of a worker does not heed it.
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
