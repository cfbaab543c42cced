import type { ServerResponse } from 'node:http';

/** So many streams are served at a time. Further ones get their headers and wait. */
const MOST_STREAMS = 64;

/** Limits how many streams run at once, as the thread pool of the real service does. */
export class StreamSlots {
  private used = 0;
  /** In order. Whoever has left is not among them: a free slot that it got would serve nobody. */
  private readonly waiting = new Set<() => void>();

  async use(res: ServerResponse, work: () => Promise<void>): Promise<void> {
    if (this.used < MOST_STREAMS) this.used += 1;
    else if (!(await this.handed(res))) return;
    try {
      if (!res.destroyed) await work();
    } finally {
      const [next] = this.waiting;
      if (next) next();
      else this.used -= 1;
    }
  }

  /** Waits until a stream that ends hands its slot on; false when the client has left before. */
  private handed(res: ServerResponse): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (has: boolean) => {
        this.waiting.delete(go);
        res.off('close', leave);
        resolve(has);
      };
      const go = () => settle(true);
      const leave = () => settle(false);
      if (res.destroyed) return resolve(false);
      this.waiting.add(go);
      res.once('close', leave);
    });
  }
}
