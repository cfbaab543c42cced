import { proxyActivities } from '@temporalio/workflow';
import type { UnitActivities } from '../activities/units.js';
import type { TransactionInput } from '../plan/input.js';
import type { BackupResult } from '../plan/unit.js';
import { controlOptions } from './activity-options.js';
import { BackupRun } from './backup-run.js';

const { planTransactions, commitTransactions } = proxyActivities<UnitActivities>(controlOptions);

/** Backs up a range of transactions; every chunk is proven by itself under a signed ledger info. */
export async function transactionBackup(input: TransactionInput): Promise<BackupResult> {
  const run = new BackupRun('transaction', input);
  const prepared = await run.plan(planTransactions);
  if ('committed' in prepared) return prepared.committed;
  const { unit } = prepared;
  await run.storeRanges(unit);
  return run.commit(commitTransactions, unit);
}
