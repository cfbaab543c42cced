import { inOwnThread } from '../../../lib/host/own-thread.js';
import { BackupError } from '../../../errors/backup-error.js';
import type { CopyTaskResult } from '../../../contract/copying.js';
import { openReadable } from '../../../storage/index/open-readable.js';
import { heapForManifests } from '../../../verify/thread/heap.js';
import { sortOutGone } from '../copy-unit.js';
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
  const result = await inOwnThread<CopyOrder, CopyProgress, CopyTaskResult>(order, {
    ...watch,
    program: 'copy-thread.js',
    does: 'copies',
    heap: { oldMb: heap, youngMb: YOUNG_MB },
    died: (why) => new BackupError('THREAD_DIED', `the thread that copied died: ${why}`),
  });
  return sortOutGone(from, order.units, result);
}
