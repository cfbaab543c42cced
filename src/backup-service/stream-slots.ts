import type { ServerResponse } from 'node:http';

/** So many streams are served at a time. Further ones get their headers and wait. */
const MOST_STREAMS = 64;

/** Limits how many streams run at once, as the thread pool of the real service does. */
export class StreamSlots {
  private used = 0;
  private readonly waiting: (() => void)[] = [];

  async use(res: ServerResponse, work: () => Promise<void>): Promise<void> {
    while (this.used >= MOST_STREAMS && !res.destroyed) {
      await new Promise<void>((resolve) => {
        this.waiting.push(resolve);
        res.once('close', resolve);
      });
    }
    this.used += 1;
    try {
      if (!res.destroyed) await work();
    } finally {
      this.used -= 1;
      this.waiting.shift()?.();
    }
  }
}
