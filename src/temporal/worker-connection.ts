import { setTimeout as sleep } from 'node:timers/promises';
import { NativeConnection, type NativeConnectionOptions } from '@temporalio/worker';
import { type Say, reasonOf } from './temporal-error.js';

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 10_000;
/** A server that starts beside the worker answers within this time. So the waits stay short until then. */
const TELL_AFTER_MS = 2_000;
const TELL_AGAIN_MS = 60_000;
const MOST_REASON = 200;

/**
 * Connects a worker to its server. A worker may be started before its server, so this tries again until it
 * succeeds or `signal` aborts, and says that it waits.
 * @throws an error when `signal` aborts
 */
export async function connectWithRetry(
  options: NativeConnectionOptions,
  { say, signal }: { say: Say; signal?: AbortSignal },
): Promise<NativeConnection> {
  const begun = performance.now();
  let nextTelling = begun + TELL_AFTER_MS;
  for (let wait = FIRST_WAIT_MS; ;) {
    try {
      return await NativeConnection.connect(options);
    } catch (error) {
      signal?.throwIfAborted();
      if (performance.now() >= nextTelling) {
        nextTelling = performance.now() + TELL_AGAIN_MS;
        const where = options.address ?? 'the default address';
        say(
          `No Temporal server at ${where} yet (${plainReason(error)}); trying until it is there`,
          'warn',
        );
      }
      await sleep(wait, undefined, signal && { signal });
      if (performance.now() - begun > TELL_AFTER_MS) wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    }
  }
}

/** The SDK quotes the inner form of its errors. The words for people are in the innermost message. */
function plainReason(error: unknown): string {
  const reason = reasonOf(error);
  const [, inner] = /message: "([^"]+)"(?!.*message: ")/.exec(reason) ?? [];
  return inner ?? reason.replace(/^tonic::\S+ /, '').slice(0, MOST_REASON);
}
