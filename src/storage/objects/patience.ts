import { setTimeout as sleep } from 'node:timers/promises';
import { orAborted } from '../../lib/or-aborted.js';
import { storageDeadlineMs } from '../deadlines.js';
import type { Call } from '../backend.js';
import type { StorageError } from '../storage-error.js';

/** How long a store is waited for. */
export interface Patience {
  /** Milliseconds. A request on which nothing comes or goes for so long is given up. */
  idleMs: number;
  /** Milliseconds. A store that asks for fewer requests is asked for so long; that uses up no attempt of an activity. */
  throttledMs: number;
  /** So often anything else that may pass is tried. What lasts longer is the matter of the activity's attempts. */
  tries: number;
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 20_000;

export function usualPatience(): Patience {
  return { idleMs: storageDeadlineMs() / 3, throttledMs: 5 * 60_000, tries: 6 };
}

/** What may pass by itself within seconds: the request is made again. */
export class MayPass extends Error {
  constructor(
    readonly kind: 'throttled' | 'trouble',
    /** What is thrown when it did not pass. */
    readonly told: StorageError,
  ) {
    super(told.message, { cause: told });
  }
}

/** Makes a request again and again, as long as what goes wrong may pass. @throws what `MayPass` tells when it did not */
export async function patiently<T>(
  call: Call,
  { throttledMs, tries }: Patience,
  attempt: () => Promise<T>,
): Promise<T> {
  const begun = performance.now();
  let troubles = 0;
  for (let pauses = 0; ; pauses += 1) {
    try {
      return await attempt();
    } catch (error) {
      call.signal.throwIfAborted();
      if (!(error instanceof MayPass)) throw error;
      if (error.kind === 'trouble') troubles += 1;
      if (troubles >= tries || performance.now() - begun > throttledMs) throw error.told;
    }
    call.progress();
    await pauseAfter(pauses, call);
  }
}

/** Longer the more pauses there were already, and of another length for everybody, so that not all come back at once. */
export async function pauseAfter(already: number, { signal }: Call): Promise<void> {
  const longest = Math.min(LONGEST_PAUSE_MS, storageDeadlineMs() / 2);
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** already, longest);
  await sleep(pause * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
  signal.throwIfAborted();
}

/**
 * Runs a request whose signal aborts with that of the call, and when `alive` was not called for too long: then this
 * rejects with `silent`. It never outlasts its signal, even if the request ignores it.
 */
export async function watched<T>(
  call: Call,
  idleMs: number,
  silent: () => Error,
  run: (signal: AbortSignal, alive: () => void) => Promise<T>,
): Promise<T> {
  call.signal.throwIfAborted();
  const stop = new AbortController();
  const onAbort = () => stop.abort(call.signal.reason);
  call.signal.addEventListener('abort', onAbort, { once: true });
  const idle = setTimeout(() => stop.abort(silent()), idleMs);
  const alive = () => {
    if (stop.signal.aborted) return;
    idle.refresh();
    call.progress();
  };
  try {
    return await orAborted(run(stop.signal, alive), stop.signal);
  } catch (error) {
    stop.signal.throwIfAborted(); // the request itself only tells that it was aborted
    throw error;
  } finally {
    clearTimeout(idle);
    call.signal.removeEventListener('abort', onAbort);
  }
}
