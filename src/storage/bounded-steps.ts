import { setMaxListeners } from 'node:events';
import { type Bounded, stalled } from './bounded.js';

/**
 * Waits for the steps of one operation, one after the other, each as `bounded` waits for a whole operation. One timer and
 * one listener serve all steps, because a file has very many parts. Time between two steps does not count.
 */
export class BoundedSteps {
  private running: Promise<unknown> | undefined;
  /** Ends the wait for the step that runs. */
  private fail: (reason: Error) => void = () => undefined;
  private left = false;
  private closed = false;
  private readonly deadline: NodeJS.Timeout;

  constructor(private readonly bounds: Bounded) {
    const { limitMs, signal } = bounds;
    this.deadline = setTimeout(() => {
      if (this.running) this.leave(stalled(bounds, this.running));
    }, limitMs);
    if (signal) setMaxListeners(0, signal); // each operation that runs listens to it
    signal?.addEventListener('abort', this.onAbort, { once: true });
  }

  /** The step that runs has got further. */
  progress(): void {
    if (!this.left) this.deadline.refresh();
  }

  /** Waits for a step. @throws what it throws; the reason of the signal; StorageError STORAGE_STALLED */
  wait<T>(start: () => Promise<T>): Promise<T> {
    this.bounds.signal?.throwIfAborted();
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

  /** To be called when nobody waits any more. A step that still runs is watched until it returns or is overdue. */
  close(): void {
    this.closed = true;
    this.left = true;
    this.bounds.signal?.removeEventListener('abort', this.onAbort);
    if (this.running) this.deadline.unref();
    else clearTimeout(this.deadline);
  }

  private readonly onAbort = (): void => {
    this.leave(this.bounds.signal!.reason as Error);
  };

  private leave(reason: Error): void {
    this.left = true;
    this.fail(reason);
  }

  private end(): void {
    this.running = undefined;
    if (this.closed) clearTimeout(this.deadline);
  }
}
