import type { ConsolidatedGroup, GroupOrder } from '../../contract/consolidation.js';
import type { StorageConfig } from '../../contract/job.js';
import { BackupError } from '../../errors/backup-error.js';
import { inOwnThread } from '../../lib/host/own-thread.js';
import { spanOf } from '../../lib/spans.js';
import { openStorage } from '../../storage/open.js';
import type { StoredEnding } from '../../verify/stored-chain.js';
import { groupToMake } from './batch-entries.js';
import type { GroupProgress } from './consolidate-group.js';
import type { Group } from './groups.js';

/** What a consolidating thread is to do. Plain data only. */
export interface ConsolidateOrder {
  storage: StorageConfig;
  group: Group;
  maxChunkSize: number;
  /** The epoch endings that the main thread has checked. */
  endings: [bigint, StoredEnding][];
  /** The trusted waypoints, as `VERSION:HASH`. */
  trusted: string[];
}

/** Records are streamed. The rest is manifests of small backups, and the proofs of one batch. */
const HEAP = { oldMb: 256, youngMb: 4 };

/**
 * Looks what one batch has, and consolidates it in a thread of its own. @throws what either threw; BackupError
 * THREAD_DIED
 */
export async function runConsolidate(
  { first, last, maxChunkSize }: GroupOrder,
  order: Omit<ConsolidateOrder, 'group' | 'maxChunkSize'>,
  watch: { signal: AbortSignal; onProgress: (progress: GroupProgress) => void },
): Promise<ConsolidatedGroup> {
  const storage = openStorage(order.storage, watch.signal);
  const found = await groupToMake(storage, spanOf({ first, last }));
  if ('instead' in found) return found.instead;
  const whole = { ...order, group: found.group, maxChunkSize };
  return inOwnThread<ConsolidateOrder, GroupProgress, ConsolidatedGroup>(whole, {
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
