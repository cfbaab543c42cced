import { proxyActivities } from '@temporalio/workflow';
import type { UnitActivities } from '../activities/units.js';
import type { StateSnapshotInput } from '../plan/input.js';
import type { BackupResult } from '../plan/unit.js';
import { controlOptions } from './activity-options.js';
import { BackupRun } from './backup-run.js';

const { planStateSnapshot, commitStateSnapshot } = proxyActivities<UnitActivities>(controlOptions);

/**
 * Backs up the whole state at the end of an epoch. Chunks prove that they fit to their neighbours,
 * the first one that all of them give the root; the commit checks that no link is missing.
 */
export async function stateSnapshotBackup(input: StateSnapshotInput): Promise<BackupResult> {
  const run = new BackupRun('state_snapshot', input);
  const prepared = await run.plan(planStateSnapshot);
  if ('committed' in prepared) return prepared.committed;
  const { unit } = prepared;
  await run.storeRanges(unit);
  return run.commit(commitStateSnapshot, unit);
}
