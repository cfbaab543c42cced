import { Worker } from 'node:worker_threads';
import { endThread } from '../../lib/host/end-thread.js';
import { runJob } from '../../lib/host/thread-job.js';
import { builtProgram } from '../../lib/host/built.js';
import { BackupError } from '../../errors/backup-error.js';
import type { TaskResult } from '../../contract/verification.js';
import { openReadable } from '../../storage/index/open-readable.js';
import { heapFor } from './heap.js';
import type { TaskProgress, VerifyOrder } from './verify-thread-messages.js';

const YOUNG_MB = 2;

/** Runs one task in a thread of its own. @throws what the task threw; BackupError THREAD_DIED */
export async function runInThread(
  order: VerifyOrder,
  watch: { signal: AbortSignal; onProgress: (progress: TaskProgress) => void },
): Promise<TaskResult> {
  const heap = await heapFor(await openReadable(order.storage, watch.signal), order.task);
  watch.signal.throwIfAborted();
  const thread = new Worker(builtProgram('verify/thread/verify-thread.js'), {
    resourceLimits: { maxOldGenerationSizeMb: heap, maxYoungGenerationSizeMb: YOUNG_MB },
  });
  try {
    return await runJob<VerifyOrder, TaskProgress, TaskResult>(thread, order, {
      ...watch,
      died: (why) => new BackupError('THREAD_DIED', `the thread that verified died: ${why}`),
    });
  } finally {
    thread.on('error', () => undefined); // nobody waits for an error now; unhandled it would end the process
    await endThread(thread, 'a thread that verifies');
  }
}
