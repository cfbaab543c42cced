/** One of several nodes is asked; what is wrong with each of them is told. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, it } from 'vitest';
import { RANGE_BUDGETS } from '../../src/activities/activity-failure.js';
import { withHeartbeat } from '../../src/activities/heartbeat.js';
import { onNode } from '../../src/activities/on-node.js';
import { Sites } from '../../src/activities/sites.js';
import { BackupError } from '../../src/errors/backup-error.js';
import { devnode, storageFolder } from '../support/backup.js';
import { dataFolder } from '../support/cli.js';

it('a failure for good names the nodes too that only neighbours found at fault', async () => {
  const [liar, other] = [(await devnode()).address, (await devnode()).address];
  const storage = { local_fs_dir: storageFolder() };
  const settings = { nodes: [liar, other], storage, trustWaypoints: [], maxChunkSize: 1000 };
  const sites = new Sites(dataFolder());
  const now = Date.now();
  const fault = { code: 'NODE_LIED' as const, lie: true, why: 'it sent another chain' };
  sites.rests(settings).failed(other, fault, now - 1, now);
  const earlier = { failures: { NODE_LIED: RANGE_BUDGETS.lies - 1 } };
  const environment = new MockActivityEnvironment({ attempt: 5, heartbeatDetails: earlier });
  const run = environment.run(() =>
    withHeartbeat(RANGE_BUDGETS, () =>
      onNode(sites, settings, ({ address }) =>
        Promise.reject(new BackupError('NODE_LIED', `${address} sent another record`)),
      ),
    ),
  );
  const named = { type: 'NODE_LIED', nonRetryable: true };
  await expect(run).rejects.toMatchObject({
    ...named,
    message: expect.stringContaining(liar) as string,
  });
  await expect(run).rejects.toMatchObject({
    ...named,
    message: expect.stringContaining(`${other}: it sent another chain`) as string,
  });
  await sites.close();
});
