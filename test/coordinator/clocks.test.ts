/** Clocks of workers and of the server differ, and are set: nothing is hot for it, and nothing waits long. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { createCoordinatorActivities } from '../../src/activities/coordinator.js';
import { Sites } from '../../src/activities/sites.js';
import type { WatchOrder } from '../../src/plan/coordinator.js';
import { devnode, storageFolder } from '../support/backup.js';
import { PretendedWorld, coordinatorInput, startOptions } from '../support/coordinator.js';
import { startTemporal, temporaryFolder, until, withActivities } from '../support/temporal.js';

let session: Awaited<ReturnType<typeof startTemporal>>;
beforeAll(async () => {
  session = await startTemporal();
});
afterAll(() => session.close());

it('a watch whose clock is a minute early waits until the batch closes', async () => {
  const node = await devnode({ transactions: 250 });
  const { version } = node.facts();
  const data = temporaryFolder('data');
  const sites = new Sites(data);
  onTestFinished(async () => {
    await sites.close();
    rmSync(data, { recursive: true, force: true });
  });
  const real = createCoordinatorActivities({ sites });
  const world = new PretendedWorld({ ended: 0, version: 0 });
  world.watch = ({ keepClaim: _, ...order }: WatchOrder) => {
    world.watches += 1;
    return real.watchNode(order);
  };
  const now = Date.now.bind(Date);
  const early = vi.spyOn(Date, 'now').mockImplementation(() => now() + 60_000);
  onTestFinished(() => early.mockRestore());
  const input = coordinatorInput({
    node: node.address,
    storage: { local_fs_dir: storageFolder() },
    transaction_batch_seconds: 5,
  });
  await withActivities(session, world.activities, async () => {
    const handle = await session.client.workflow.start('backupCoordinator', startOptions(input));
    await until('a batch is open', () => world.spans('transaction').includes('101-200'));
    const before = world.watches;
    const last = `201-${version}`;
    await until('it is closed', () => world.spans('transaction').includes(last));
    expect(world.watches - before).toBeLessThan(10);
    await handle.terminate();
  });
});
