import { Worker } from 'node:worker_threads';
import { endThread } from '../../backup/thread/end-thread.js';
import { fromPlain } from '../../backup/thread/messages.js';
import { watchThread } from '../../backup/thread/watch-thread.js';
import { builtProgram } from '../../built.js';
import { BackupError } from '../../backup/errors.js';
import type { TaskResult } from '../../plan/verify.js';
import { openStorage } from '../../storage/open.js';
import { heapFor } from './heap.js';
import type { FromVerifyThread, VerifyOrder } from './messages.js';

const YOUNG_MB = 2;

/** Runs one task in a thread of its own. @throws what the task threw; BackupError THREAD_DIED */
export async function runInThread(
  order: VerifyOrder,
  watch: {
    signal: AbortSignal;
    onProgress: (progress: { bytes: number; objects: number }) => void;
  },
): Promise<TaskResult> {
  const heap = await heapFor(openStorage(order.storage), order.task);
  watch.signal.throwIfAborted();
  const thread = new Worker(builtProgram('verify/thread/verify-thread.js'), {
    workerData: order,
    resourceLimits: { maxOldGenerationSizeMb: heap, maxYoungGenerationSizeMb: YOUNG_MB },
  });
  let watching: { stop(): void } | undefined;
  try {
    return await new Promise<TaskResult>((resolve, reject) => {
      watching = watchThread(thread, (why) =>
        reject(new BackupError('THREAD_DIED', `the thread that verified died: ${why}`, true)),
      );
      thread.on('message', (message: FromVerifyThread) => {
        if (message.kind === 'progress') watch.onProgress(message);
        else if (message.kind === 'done') resolve(message.result);
        else reject(fromPlain(message.error));
      });
      watch.signal.addEventListener('abort', () => reject(watch.signal.reason as Error), {
        once: true,
      });
    });
  } finally {
    watching?.stop();
    thread.on('error', () => undefined); // nobody waits for what it says now
    await endThread(thread, 'a thread that verifies');
  }
}
