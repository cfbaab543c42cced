import { ApplicationFailure } from '@temporalio/client';
import { startCompaction } from '../../../src/client/start-compaction.js';
import type { Compaction } from '../../../src/contract/answers/compaction-answers.js';
import type { TemporalSession } from '../../../src/temporal-server/open-temporal.js';
import {
  PretendedWorld,
  coordinatorInput,
  coordinatorStatus,
  startOptions,
} from '../../support/coordinator.js';
import { withActivities } from '../../support/temporal.js';
import { until } from '../../support/until.js';
import type { Save } from '../record.js';

const DONE: Compaction = {
  storage: 'local folder /backups',
  dry_run: false,
  files_before: 1200,
  files_after: 1212,
  written: 12,
  written_first: ['metadata/transaction_compacted_0-99.meta'],
  kept: 0,
  stamped: 1199,
  waiting: 1199,
  moved: 0,
  left_alone: [],
  left_alone_count: 0,
};

/** A compaction, one that fails, and a coordinator that has both done. */
export async function recordCompactions(session: TemporalSession, save: Save): Promise<void> {
  let fails = false;
  const compactMetadata = () =>
    fails
      ? Promise.reject(
          ApplicationFailure.nonRetryable('it reads back as something else', 'DAMAGED'),
        )
      : Promise.resolve(DONE);
  await withActivities(session, { compactMetadata }, async () => {
    for (const [name, folder] of [
      ['compaction', '/backups/good'],
      ['compaction-failed', '/backups/bad'],
    ] as const) {
      const { handle } = await startCompaction(session.client, {
        storage: { local_fs_dir: folder },
      });
      await handle.result().catch(() => undefined);
      await save(name, handle.workflowId);
      fails = true;
    }
  });
  await byItself(session, save);
}

async function byItself(session: TemporalSession, save: Save): Promise<void> {
  const world = new PretendedWorld({ ended: 3, version: 250 });
  world.survey = { ...world.survey, notCompacted: 1200 };
  let failed: string | undefined = 'the storage is away';
  const awaitCompaction = () => Promise.resolve(failed === undefined ? {} : { failed });
  await withActivities(session, { ...world.activities, awaitCompaction }, async () => {
    const input = coordinatorInput();
    const handle = await session.client.workflow.start('backupCoordinator', startOptions(input));
    const alarms = async () => (await coordinatorStatus(handle)).alarms.map(({ code }) => code);
    await until('it has failed', async () => (await alarms()).includes('COMPACTION'));
    await until('it follows', async () => {
      return (await coordinatorStatus(handle)).streams.transaction.newest === '200';
    });
    failed = undefined;
    const [epochs, versions] = [[{ first: '0', last: '2' }], [{ first: '0', last: '200' }]];
    world.survey = { ...world.survey, epochs, versions };
    await handle.executeUpdate('configure', { args: [{ ...input, transaction_batch_size: 50 }] });
    await until('it has succeeded', async () => (await alarms()).length === 0);
    await handle.cancel();
    await handle.result().catch(() => undefined);
    await save('coordinator-compacts', handle.workflowId);
  });
}
