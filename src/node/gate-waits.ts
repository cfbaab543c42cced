import { AsyncLocalStorage } from 'node:async_hooks';

/** How long some questions have waited at gates. */
class Waits {
  private now = 0;
  private since = 0;
  private ms = 0;

  async during(work: () => Promise<void>): Promise<void> {
    if (this.now === 0) this.since = performance.now();
    this.now += 1;
    try {
      await work();
    } finally {
      this.now -= 1;
      if (this.now === 0) this.ms += performance.now() - this.since;
    }
  }

  get soFar(): number {
    return this.ms + (this.now > 0 ? performance.now() - this.since : 0);
  }
}

const asking = new AsyncLocalStorage<Waits>();

/**
 * Asks a node. `waitedMs` tells how long the questions of `ask` have waited for our own limits so far, in milliseconds.
 * That is no silence of the node.
 */
export function notingWaits<T>(ask: () => Promise<T>): {
  answer: Promise<T>;
  waitedMs: () => number;
} {
  const waits = new Waits();
  return { answer: asking.run(waits, ask), waitedMs: () => waits.soFar };
}

/** A wait at a gate. */
export function waitAtGate(work: () => Promise<void>): Promise<void> {
  const waits = asking.getStore();
  return waits ? waits.during(work) : work();
}
