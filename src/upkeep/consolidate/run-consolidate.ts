import type { ConsolidatedGroup, GroupOrder } from '../../contract/consolidation.js';
import type { StorageConfig } from '../../contract/job.js';
import { BackupError } from '../../errors/backup-error.js';
import { inOwnThread } from '../../lib/host/own-thread.js';
import type { StoredEnding } from '../../verify/stored-chain.js';
import type { GroupProgress } from './consolidate-group.js';

/** What a consolidating thread is to do. Plain data only. */
export interface ConsolidateOrder {
  storage: StorageConfig;
  group: GroupOrder;
  /** The epoch endings that the main thread has checked. */
  endings: [bigint, StoredEnding][];
  /** The trusted waypoints, as `VERSION:HASH`. */
  trusted: string[];
}

/** Records are streamed. The rest is manifests of small backups, and the proofs of one batch. */
const HEAP = { oldMb: 256, youngMb: 4 };

/** Consolidates one batch in a thread of its own. @throws what it threw; BackupError THREAD_DIED */
export async function runConsolidate(
  order: ConsolidateOrder,
  watch: { signal: AbortSignal; onProgress: (progress: GroupProgress) => void },
): Promise<ConsolidatedGroup> {
  const { first, last } = order.group;
  return inOwnThread<ConsolidateOrder, GroupProgress, ConsolidatedGroup>(order, {
    ...watch,
    program: 'consolidate-thread.js',
    does: 'consolidates',
    heap: HEAP,
    died: (why) => {
      const what = `the thread that consolidated ${first} to ${last} died: ${why}`;
      return new BackupError('THREAD_DIED', what);
    },
  });
}
