import { Worker } from 'node:worker_threads';
import { builtProgram } from '../../lib/host/built.js';
import { endThread } from '../../lib/host/end-thread.js';
import { runJob } from '../../lib/host/thread-job.js';
import type { Call } from '../backend.js';
import type { StatOrder } from './stat-thread-messages.js';

const HEAP_MB = 32;
const YOUNG_MB = 2;

/** A thread that looks at entries of a folder. It starts when it is needed. */
export class StatThread {
  private thread: Worker | undefined;
  private isUsable = true;

  constructor(private readonly call: Call) {}

  /**
   * The numbers of each entry. Undefined when there is no thread (any more): it cannot start, or it hangs in the file
   * system. @throws the reason of the call's signal
   */
  async lookAt(order: StatOrder): Promise<Float64Array | undefined> {
    if (!this.isUsable) return undefined;
    const { signal, progress } = this.call;
    signal.throwIfAborted();
    let looks = 0;
    const onProgress = (now: number) => {
      if (now > looks) progress();
      looks = now;
    };
    try {
      this.thread ??= started();
      const died = (why: string) => new Error(why);
      const found = await runJob<StatOrder, number, Float64Array>(this.thread, order, {
        signal,
        onProgress,
        died,
      });
      progress();
      return found;
    } catch {
      signal.throwIfAborted();
      this.isUsable = false;
      return undefined;
    }
  }

  async end(): Promise<void> {
    this.thread?.on('error', () => undefined); // nobody waits for an error now; unhandled it would end the process
    if (this.thread) await endThread(this.thread, 'a thread that looks at files');
  }
}

function started(): Worker {
  const resourceLimits = { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: YOUNG_MB };
  return new Worker(builtProgram('stat-thread.js'), { resourceLimits });
}
