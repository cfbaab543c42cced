import { ApplicationFailure, type WorkflowHandle } from '@temporalio/client';
import type { RangeTask } from '../../../src/backup/range/range-thread-messages.js';
import { startBackup } from '../../../src/client/start-backup.js';
import type { Job } from '../../../src/contract/job.js';
import type { Unit } from '../../../src/contract/unit.js';
import type { TemporalSession } from '../../../src/temporal-server/open-temporal.js';
import { withActivities } from '../../support/temporal.js';
import { until } from '../../support/until.js';
import { INPUT, committed, prepared, stored, unitOf } from '../../support/units.js';
import type { Save } from '../record.js';
import type { BackupStatus } from '../../../src/contract/answers/backup-answers.js';

/**
 * Backups: small ones and some in segments, with messages, blocked and tried again, and one that existed
 * already.
 */
export async function recordBackups(session: TemporalSession, save: Save): Promise<void> {
  let broken = true;
  const commit = (_job: Job, unit: Unit) => Promise.resolve(committed(unit));
  const activities = {
    planUnit: ({ target }: Job) => {
      if (target.type === 'epoch_ending') return Promise.resolve(prepared(unitOf(6)));
      if (target.type === 'transaction') return Promise.resolve(prepared(unitOf(500)));
      if (target.epoch === '1') return Promise.resolve(prepared(unitOf(120)));
      return Promise.resolve({ committed: committed(unitOf(1)) });
    },
    backUpRange: (task: RangeTask) => {
      const { target } = task.job;
      if (target.type !== 'transaction' && task.range.first === '2000' && broken) {
        throw ApplicationFailure.nonRetryable('the node lied', 'NODE_LIED');
      }
      return Promise.resolve(stored(task));
    },
    commitUnit: commit,
  };
  await withActivities(session, activities, async () => {
    const { client } = session;
    const segments = { ...INPUT, start_version: 0, num_transactions: 500_000, concurrency: 3 };
    const large = await startBackup(client, 'transaction', segments);
    await large.executeUpdate('setConcurrency', { args: [20] });
    await large.executeUpdate('pause');
    await large.executeUpdate('resume');
    await large.result();
    await save('segments', large.workflowId);
    await save('segment', `${large.workflowId}/segment/00001`);

    const retried = async (backup: WorkflowHandle) => {
      await until('it is blocked', async () => {
        return (await backup.query<BackupStatus>('status')).phase === 'blocked';
      });
      broken = false;
      await backup.executeUpdate('retry');
      await backup.result();
      broken = true;
    };
    const epochs = { ...INPUT, start_epoch: 0, end_epoch: 6000 };
    const small = await startBackup(client, 'epoch_ending', epochs);
    await retried(small);
    await save('small-blocked-and-retried', small.workflowId);

    const blocked = await startBackup(client, 'state_snapshot', { ...INPUT, epoch: 1 });
    await retried(blocked);
    await save('segments-blocked-and-retried', blocked.workflowId);
    await save('segment-with-failure', `${blocked.workflowId}/segment/00001`);

    const there = await startBackup(client, 'state_snapshot', { ...INPUT, epoch: 0 });
    await there.result();
    await save('already-committed', there.workflowId);
  });
}
