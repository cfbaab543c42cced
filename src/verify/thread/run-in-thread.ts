import { inOwnThread } from '../../lib/host/own-thread.js';
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
  return inOwnThread<VerifyOrder, TaskProgress, TaskResult>(order, {
    ...watch,
    program: 'verify-thread.js',
    does: 'verifies',
    heap: { oldMb: heap, youngMb: YOUNG_MB },
    died: (why) => new BackupError('THREAD_DIED', `the thread that verified died: ${why}`),
  });
}
