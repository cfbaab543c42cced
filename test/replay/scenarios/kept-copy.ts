import type { Copied, CopyNews } from '../../../src/contract/kept-copy.js';
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

/** A coordinator with a second storage: one copy fails, is in trouble, and succeeds; then it keeps none. */
export async function recordKeptCopy(session: TemporalSession, save: Save): Promise<void> {
  const world = new PretendedWorld({ ended: 3, version: 250 });
  const has: Copied = { epochs: [{ first: '0', last: '1' }], versions: [], snapshots: [] };
  const news: CopyNews[] = [
    { troubled: 'the bucket is away' },
    { well: true },
    { failed: 'a chunk is damaged', incomplete: true },
  ];
  const activities = {
    ...world.activities,
    lookAtCopy: () => Promise.resolve({ has, exists: true, workflowId: 'the-copy' }),
    awaitCopy: () => Promise.resolve(news.shift() ?? {}),
  };
  await withActivities(session, activities, async () => {
    const input = coordinatorInput({ copy_to: { url: 's3://bucket/two' } });
    const handle = await session.client.workflow.start('backupCoordinator', startOptions(input));
    const copy = async () => (await coordinatorStatus(handle)).copy;
    await until('a copy has failed', async () => (await copy())?.outcome === 'failed');
    await handle.executeUpdate('retry');
    await until('it is in step', async () => (await copy())?.lag_seconds === 0);
    world.node = { ended: 3, version: 350 };
    await until('it is in step again', async () => {
      const { streams, copy: now } = await coordinatorStatus(handle);
      return streams.transaction.newest === '300' && now?.lag_seconds === 0;
    });
    // A change of the settings has the storage looked at anew.
    const [epochs, versions] = [[{ first: '0', last: '2' }], [{ first: '0', last: '300' }]];
    world.survey = { ...world.survey, epochs, versions, snapshots: ['2', '0'] };
    await handle.executeUpdate('configure', { args: [{ copy_to: null }] });
    await until('it keeps none', async () => (await copy()) === undefined);
    await handle.cancel();
    await handle.result().catch(() => undefined);
    await save('coordinator-copies', handle.workflowId);
  });
}
