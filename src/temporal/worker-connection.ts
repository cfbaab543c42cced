import { setTimeout as sleep } from 'node:timers/promises';
import { NativeConnection, type NativeConnectionOptions } from '@temporalio/worker';
import { type Say, reasonOf } from './temporal-error.js';

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

/**
 * Connects a worker to its server. A worker may be started before its server, so this tries again until it
 * succeeds or `signal` aborts, and says that it waits.
 * @throws an error when `signal` aborts
 */
export async function connectWithRetry(
  options: NativeConnectionOptions,
  { say, signal }: { say: Say; signal?: AbortSignal },
): Promise<NativeConnection> {
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    try {
      return await NativeConnection.connect(options);
    } catch (error) {
      signal?.throwIfAborted();
      say(
        `No Temporal server at ${options.address ?? 'the default address'} yet (${reasonOf(error)}); ` +
          `trying again in ${wait / 1000} s`,
      );
      await sleep(wait, undefined, signal && { signal });
    }
  }
}
