import { Worker } from 'node:worker_threads';
import { endThread } from '../../../lib/host/end-thread.js';
import { runJob } from '../../../lib/host/thread-job.js';
import { builtProgram } from '../../../lib/host/built.js';
import { BackupError } from '../../../errors/backup-error.js';
import type { CopyTaskResult } from '../../../contract/copying.js';
import { openReadable } from '../../../storage/index/open-readable.js';
import { heapForManifests } from '../../../verify/thread/heap.js';
import type { CopyOrder, CopyProgress } from './copy-thread-messages.js';

const YOUNG_MB = 2;

/** Copies in a thread of its own. @throws what the copy threw; BackupError THREAD_DIED */
export async function runCopyThread(
  order: CopyOrder,
  watch: { signal: AbortSignal; onProgress: (progress: CopyProgress) => void },
): Promise<CopyTaskResult> {
  const from = await openReadable(order.ends.from, watch.signal, order.limits);
  const manifests = order.slices.map(({ unit }) => order.units[unit]!.manifest);
  const heap = await heapForManifests(from, manifests);
  watch.signal.throwIfAborted();
  const thread = new Worker(builtProgram('upkeep/copy/thread/copy-thread.js'), {
    resourceLimits: { maxOldGenerationSizeMb: heap, maxYoungGenerationSizeMb: YOUNG_MB },
  });
  try {
    return await runJob<CopyOrder, CopyProgress, CopyTaskResult>(thread, order, {
      ...watch,
      died: (why) => new BackupError('THREAD_DIED', `the thread that copied died: ${why}`),
    });
  } finally {
    thread.on('error', () => undefined); // nobody waits for an error now; unhandled it would end the process
    await endThread(thread, 'a thread that copies');
  }
}
