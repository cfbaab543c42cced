import { ApplicationFailure } from '@temporalio/client';
import type { RangeTask } from '../../../src/backup/thread/messages.js';
import { startBackup } from '../../../src/client/start.js';
import type { Job } from '../../../src/plan/job.js';
import type { BackupStatus } from '../../../src/plan/messages.js';
import type { Unit } from '../../../src/plan/unit.js';
import type { TemporalSession } from '../../../src/temporal/connection.js';
import { until, withActivities } from '../../support/temporal.js';
import { INPUT, committed, prepared, stored, unitOf } from '../../support/units.js';
import type { Save } from '../record.js';

/** Backups: in segments, with messages, blocked and tried again, and one that was there already. */
export async function recordBackups(session: TemporalSession, save: Save): Promise<void> {
  let broken = true;
  const commit = (_job: Job, unit: Unit) => Promise.resolve(committed(unit));
  const activities = {
    planTransactions: () => Promise.resolve(prepared(unitOf(500))),
    planEpochEndings: () => Promise.resolve(prepared(unitOf(6))),
    planStateSnapshot: () => Promise.resolve({ committed: committed(unitOf(1)) }),
    backUpRange: (task: RangeTask) => {
      const { target } = task.job;
      if (target.type === 'epoch_ending' && task.range.first === '2000' && broken) {
        throw ApplicationFailure.nonRetryable('the node lied', 'NODE_LIED');
      }
      return Promise.resolve(stored(task));
    },
    commitTransactions: commit,
    commitEpochEndings: commit,
  };
  await withActivities(session, activities, async () => {
    const { client } = session;
    const segments = { ...INPUT, start_version: 0, num_transactions: 500_000, concurrency: 3 };
    const two = await startBackup(client, 'transaction', segments);
    await two.executeUpdate('setConcurrency', { args: [20] });
    await two.executeUpdate('pause');
    await two.executeUpdate('resume');
    await two.result();
    await save('two-segments', two.workflowId);
    await save('segment', `${two.workflowId}/segment/00001`);

    const input = { ...INPUT, start_epoch: 0, end_epoch: 6000 };
    const blocked = await startBackup(client, 'epoch_ending', input);
    await until('it is blocked', async () => {
      return (await blocked.query<BackupStatus>('status')).phase === 'blocked';
    });
    broken = false;
    await blocked.executeUpdate('retry');
    await blocked.result();
    await save('blocked-and-retried', blocked.workflowId);
    await save('segment-with-failure', `${blocked.workflowId}/segment/00001`);

    const there = await startBackup(client, 'state_snapshot', { ...INPUT, epoch: 0 });
    await there.result();
    await save('already-committed', there.workflowId);
  });
}
