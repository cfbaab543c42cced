import type { BatchHasher } from '../src/aptos/index.js';

/** Measures the time inside another hasher. */
export class TimedHasher implements BatchHasher {
  readonly kind;
  seconds = 0;
  messages = 0;
  constructor(private readonly inner: BatchHasher) {
    this.kind = inner.kind;
  }
  get memory() {
    return this.inner.memory;
  }
  get words() {
    return this.inner.words;
  }
  region(name: string, bytes: number) {
    return this.inner.region(name, bytes);
  }
  hashSlices(...args: Parameters<BatchHasher['hashSlices']>) {
    this.timed(args[2], () => this.inner.hashSlices(...args));
  }
  hashPairs(...args: Parameters<BatchHasher['hashPairs']>) {
    this.timed(args[2], () => this.inner.hashPairs(...args));
  }
  private timed(count: number, work: () => void) {
    const started = performance.now();
    work();
    this.seconds += (performance.now() - started) / 1000;
    this.messages += count;
  }
}
