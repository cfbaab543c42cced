import { createBatchHasher } from '../aptos/index.js';
import { addTaskResult, noVerifyTotals, settlePage } from '../contract/verify-totals.js';
import type { VerifyPage, VerifyScope, VerifySettings } from '../contract/verification.js';
import type { BackupStorage } from '../storage/storage.js';
import { concludeCoverage } from './coverage.js';
import { readChain } from './read-chain.js';
import { runTask } from './run-task.js';
import type { CheckTools } from './stored-records.js';
import { nextTasks } from './tasks.js';
import type { Coverage } from '../contract/answers/verify-answers.js';

/** The scope of a verification of everything. */
export const WHOLE_STORAGE: VerifyScope = {
  startVersion: '0',
  snapshots: 'every',
  again: false,
};

/**
 * Verifies a storage in this process, one task after another. Trusts nothing but stored data and trusted waypoints.
 * The workflow `verifyBackups` does the same with many tasks at once. @throws VerifyError, StorageError
 */
export async function verifyStorage(
  storage: BackupStorage,
  settings: VerifySettings,
  scope: VerifyScope = WHOLE_STORAGE,
): Promise<Coverage> {
  const begunAt = Date.now();
  const hasher = createBatchHasher();
  const tools: CheckTools = { storage, hasher, onProgress: () => undefined };
  const totals = noVerifyTotals();
  let frozen: VerifyPage['frozen'] = {};
  let page = await nextTasks(storage, scope, undefined);
  // Read after planning: the epoch endings that prove a planned backup are stored before it, so they are in the chain.
  const { chain, result } = await readChain(tools, settings);
  for (;;) {
    for (const task of page.tasks) {
      const found =
        task.kind === 'epoch_endings' ? result : await runTask(tools, task, chain, scope.again);
      addTaskResult(totals, found);
    }
    settlePage(totals);
    ({ frozen } = page);
    if (!page.next) break;
    page = await nextTasks(storage, { ...scope, ...frozen }, page.next);
  }
  return concludeCoverage(storage, scope, totals, { begunAt, frozen });
}
