import { Worker } from 'node:worker_threads';
import { builtProgram } from './built.js';
import { endThread } from './end-thread.js';
import { runJob } from './thread-job.js';

/** How a job runs in a thread of its own. */
export interface OwnThread<Progress> {
  /** The built program of the thread, which calls `serveJobs`. */
  program: string;
  /** What the thread does, after "that": `verifies`. */
  does: string;
  /** The heap that it may use. Buffers come on top. */
  heap: { oldMb: number; youngMb: number };
  signal: AbortSignal;
  onProgress: (progress: Progress) => void;
  /** The error for a thread that died. */
  died: (why: string) => Error;
}

/** Starts a thread, has it do one job, and ends it. @throws what the job threw; what `died` gives; the signal's reason */
export async function inOwnThread<Order, Progress, Result>(
  order: Order,
  { program, does, heap, ...watch }: OwnThread<Progress>,
): Promise<Result> {
  watch.signal.throwIfAborted();
  const thread = new Worker(builtProgram(program), {
    resourceLimits: { maxOldGenerationSizeMb: heap.oldMb, maxYoungGenerationSizeMb: heap.youngMb },
  });
  try {
    return await runJob<Order, Progress, Result>(thread, order, watch);
  } finally {
    thread.on('error', () => undefined); // nobody waits for an error now; unhandled it would end the process
    await endThread(thread, `a thread that ${does}`);
  }
}
