import { setMaxListeners } from 'node:events';
import type { Call } from './backend.js';
import { type Bounded, BoundedWaits } from './bounded-waits.js';

/** Starts an operation. */
export type Start<T> = (call: Call) => Promise<T>;

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
  const { signal, late } = bounds;
  signal?.throwIfAborted();
  const stop = new LateController();
  const waits = new BoundedWaits(bounds, (reason) => stop.abort(reason));
  const call = callOf(stop, () => waits.progress());
  const started = () => {
    const running = start(call);
    running.then(
      (value) => waits.left && late?.(value),
      () => undefined,
    );
    return running;
  };
  try {
    return await waits.wait(started);
  } finally {
    waits.close();
  }
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
