import { setMaxListeners } from 'node:events';
import { noteOverdue } from '../lib/host/overdue.js';
import type { Call } from './backend.js';
import { StorageError } from './storage-error.js';

/** Starts an operation. */
export type Start<T> = (call: Call) => Promise<T>;

/** What bounds an operation, and how messages name it. */
export interface Bounded {
  description: string;
  limitMs: number;
  /** The end of a sentence that begins with "asked to". */
  what: string;
  handle: string;
  signal: AbortSignal | undefined;
}

export interface Bounds<T> extends Bounded {
  /** Handles a value that arrives after everybody has stopped waiting. */
  late: ((value: T) => void) | undefined;
}

/**
 * Runs one operation of a storage. Its caller always gets an answer: the result, the error, the reason of
 * the signal, or STORAGE_STALLED after `limitMs` without progress. When nobody waits any more, the
 * operation is told to stop.
 */
export async function bounded<T>(bounds: Bounds<T>, start: Start<T>): Promise<T> {
  const { limitMs, signal, late } = bounds;
  signal?.throwIfAborted();
  if (signal) setMaxListeners(0, signal); // each running operation listens to it
  const stop = new LateController();
  let left = false;
  let deadline: NodeJS.Timeout | undefined;
  const progress = () => {
    if (!left) deadline?.refresh();
  };
  const running = start(callOf(stop, progress));
  return new Promise<T>((resolve, reject) => {
    const leave = (reason: Error) => {
      if (left) return;
      left = true;
      stop.abort(reason);
      reject(reason);
    };
    // It goes on after an abort, to see whether the operation ever returns.
    deadline = setTimeout(() => {
      leave(stalled(bounds, running));
    }, limitMs);
    const onAbort = () => {
      deadline?.unref();
      leave(signal!.reason as Error);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    const end = () => {
      clearTimeout(deadline);
      deadline = undefined; // a cleared timer must not start again
      signal?.removeEventListener('abort', onAbort);
    };
    running.then(
      (value) => {
        end();
        if (left) late?.(value);
        else resolve(value);
      },
      (error: Error) => {
        end();
        reject(error);
      },
    );
  });
}

/** Notes that an operation is overdue, until it returns. Returns the error for those who wait for it. */
export function stalled(
  { description, limitMs, what, handle }: Bounded,
  running: Promise<unknown>,
): StorageError {
  noteOverdue(`${description}: ${what}`, running);
  const why = `${description} has not answered for ${limitMs / 1000} s, asked to ${what}; is it reachable?`;
  return new StorageError('STORAGE_STALLED', handle, why);
}

/** Makes its signal when somebody asks for it: that takes as long as reading a small file, and more memory. */
class LateController {
  private made: AbortController | undefined;
  private reason: Error | undefined;

  get signal(): AbortSignal {
    if (!this.made) {
      this.made = new AbortController();
      setMaxListeners(0, this.made.signal); // each request of an operation listens to it
      if (this.reason) this.made.abort(this.reason);
    }
    return this.made.signal;
  }

  abort(reason: Error): void {
    this.reason ??= reason;
    this.made?.abort(reason);
  }
}

function callOf(stop: LateController, progress: () => void): Call {
  return {
    get signal() {
      return stop.signal;
    },
    progress,
  };
}

/** Runs an operation within its bounds. */
export type Run = <T>(what: string, handle: string, start: Start<T>) => Promise<T>;

/** The progress of an operation of several steps is that of the step that runs. */
export class Steps {
  progress: () => void = () => undefined;

  of<T>(start: () => Promise<T>): Start<T> {
    return ({ progress }) => {
      this.progress = progress;
      return start();
    };
  }
}
