import { Worker } from 'node:worker_threads';
import type { ConsolidatedGroup, GroupOrder } from '../../contract/consolidation.js';
import type { StorageConfig } from '../../contract/job.js';
import { BackupError } from '../../errors/backup-error.js';
import { builtProgram } from '../../lib/host/built.js';
import { endThread } from '../../lib/host/end-thread.js';
import { runJob } from '../../lib/host/thread-job.js';
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
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 4 };

/** Consolidates one batch in a thread of its own. @throws what it threw; BackupError THREAD_DIED */
export async function runConsolidate(
  order: ConsolidateOrder,
  watch: { signal: AbortSignal; onProgress: (progress: GroupProgress) => void },
): Promise<ConsolidatedGroup> {
  watch.signal.throwIfAborted();
  const thread = new Worker(builtProgram('upkeep/consolidate/consolidate-thread.js'), {
    resourceLimits: RESOURCE_LIMITS,
  });
  const { first, last } = order.group;
  try {
    return await runJob<ConsolidateOrder, GroupProgress, ConsolidatedGroup>(thread, order, {
      ...watch,
      died: (why) => {
        const what = `the thread that consolidated ${first} to ${last} died: ${why}`;
        return new BackupError('THREAD_DIED', what);
      },
    });
  } finally {
    thread.on('error', () => undefined); // nobody waits for an error now; unhandled it would end the process
    await endThread(thread, 'a thread that consolidates');
  }
}
