import { setMaxListeners } from 'node:events';
import { noteOverdue } from '../lib/host/overdue.js';
import { StorageError } from './storage-error.js';

/** What bounds an operation, and how messages name it. */
export interface Bounded {
  description: string;
  limitMs: number;
  /** The end of a sentence that begins with "asked to". */
  what: string;
  handle: string;
  signal: AbortSignal | undefined;
}

/**
 * Waits for an operation, or for its steps, one after the other. Who waits always gets an answer: the result, the error,
 * the reason of the signal, or STORAGE_STALLED after `limitMs` without progress. Time between two steps does not count. One
 * timer and one listener serve all steps, because a file has very many parts.
 */
export class BoundedWaits {
  private running: Promise<unknown> | undefined;
  /** Ends the wait for the step that runs. */
  private fail: (reason: Error) => void = () => undefined;
  /** Nobody waits any more. */
  left = false;
  private closed = false;
  private readonly deadline: NodeJS.Timeout;

  /** `onLeave` is called when nobody waits any more, so that the operation stops. */
  constructor(
    private readonly bounds: Bounded,
    private readonly onLeave: (reason: Error) => void,
  ) {
    const { limitMs, signal } = bounds;
    this.deadline = setTimeout(() => this.onDeadline(), limitMs);
    if (signal) setMaxListeners(0, signal); // each operation that runs listens to it
    signal?.addEventListener('abort', this.onAbort, { once: true });
  }

  /** The step that runs has got further. */
  progress(): void {
    if (!this.left && this.running) this.deadline.refresh();
  }

  wait<T>(start: () => Promise<T>): Promise<T> {
    const step = start();
    this.running = step;
    this.deadline.refresh();
    return new Promise<T>((resolve, reject) => {
      this.fail = reject;
      step.then(
        (value) => {
          this.end();
          resolve(value);
        },
        (error: Error) => {
          this.end();
          reject(error);
        },
      );
    });
  }

  /** To be called at the end. A step that still runs is watched until it returns or is overdue. */
  close(): void {
    this.closed = true;
    this.bounds.signal?.removeEventListener('abort', this.onAbort);
    if (this.running) this.deadline.unref();
    else clearTimeout(this.deadline);
  }

  private readonly onAbort = (): void => this.leave(this.bounds.signal!.reason as Error);

  private onDeadline(): void {
    const { running } = this;
    if (!running) return;
    const { description, limitMs, what, handle } = this.bounds;
    noteOverdue(`${description}: ${what}`, running);
    const why = `${description} has not answered for ${limitMs / 1000} s, asked to ${what}; is it reachable?`;
    this.leave(new StorageError('STORAGE_STALLED', handle, why));
  }

  private leave(reason: Error): void {
    if (this.left) return;
    this.left = true;
    this.onLeave(reason);
    this.fail(reason);
  }

  private end(): void {
    this.running = undefined;
    if (this.closed) clearTimeout(this.deadline);
  }
}
