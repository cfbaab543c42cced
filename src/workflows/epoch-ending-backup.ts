import { proxyActivities } from '@temporalio/workflow';
import type { UnitActivities } from '../activities/units.js';
import type { EpochEndingInput } from '../plan/input.js';
import type { BackupResult } from '../plan/unit.js';
import { controlOptions } from './activity-options.js';
import { BackupRun } from './backup-run.js';

const { planEpochEndings, commitEpochEndings } = proxyActivities<UnitActivities>(controlOptions);

/** Backs up the ledger infos that end a range of epochs, each signed by the validators before it. */
export async function epochEndingBackup(input: EpochEndingInput): Promise<BackupResult> {
  const run = new BackupRun('epoch_ending', input);
  const prepared = await run.plan(planEpochEndings);
  if ('committed' in prepared) return prepared.committed;
  const { unit } = prepared;
  await run.storeRanges(unit);
  return run.commit(commitEpochEndings, unit);
}
