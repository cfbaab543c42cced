import { createBatchHasher } from '../aptos/hash/batch-hasher.js';
import { addTaskResult, noVerifyTotals, settlePage } from '../plan/verify-totals.js';
import type { Coverage, VerifyScope, VerifySettings } from '../plan/verify.js';
import type { BackupStorage } from '../storage/storage.js';
import { concludeCoverage } from './coverage.js';
import { readChain } from './read-chain.js';
import { runTask } from './run-task.js';
import type { CheckTools } from './stored-records.js';
import { nextTasks } from './tasks.js';

/** Everything, from the first epoch to the last snapshot. */
export const WHOLE_STORAGE: VerifyScope = {
  startVersion: '0',
  snapshots: 'every',
  again: false,
};

/**
 * Verifies a storage from what is stored alone, one task after another in this process; what the
 * workflow does with many. @throws VerifyError, StorageError
 */
export async function verifyStorage(
  storage: BackupStorage,
  settings: VerifySettings,
  scope: VerifyScope = WHOLE_STORAGE,
  signal: AbortSignal = new AbortController().signal,
): Promise<Coverage> {
  const begunAt = Date.now();
  const hasher = createBatchHasher();
  const tools: CheckTools = { storage, hasher, signal, onProgress: () => undefined };
  const totals = noVerifyTotals();
  let page = await nextTasks(storage, scope, undefined, signal);
  // After planning: what proves a backup is stored before it.
  const { chain, result } = await readChain(tools, settings);
  for (;;) {
    for (const task of page.tasks) {
      const found =
        task.kind === 'epoch_endings' ? result : await runTask(tools, task, chain, scope.again);
      addTaskResult(totals, found);
    }
    settlePage(totals);
    if (!page.next) break;
    page = await nextTasks(storage, { ...scope, ...page.frozen }, page.next, signal);
  }
  return concludeCoverage(storage, scope, totals, { begunAt, stoppedEarly: false }, signal);
}
