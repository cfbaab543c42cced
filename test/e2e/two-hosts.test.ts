/** Two coordinators of two servers on one storage, a folder or a bucket: one works, the other takes over when it is gone. */
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { ensureCoordinator, readCoordinator } from '../../src/client/live-status.js';
import type { StorageConfig } from '../../src/contract/job.js';
import { openStorage } from '../../src/storage/open.js';
import { superviseWorkers } from '../../src/supervisor/worker-group.js';
import { WHOLE_STORAGE, verifyStorage } from '../../src/verify/verify-storage.js';
import { devnode, storageFolder } from '../support/backup.js';
import { hasCaughtUp } from '../support/caught-up.js';
import { makeBucket, s3Server } from '../support/s3-bucket.js';
import { S3_KEYS } from '../support/servers/seaweedfs.js';
import { startTemporal } from '../support/temporal.js';
import { until } from '../support/until.js';

const server = s3Server();

/** Seconds that one operation may take; a holder that is silent for 30 more is dead. */
const DEADLINE = '5';

async function host(node: string, storage: StorageConfig, batchSize: number) {
  const session = await startTemporal();
  onTestFinished(() => session.close());
  const worker = superviseWorkers({
    env: { ...session.workerEnv, ...S3_KEYS, APTOS_BACKUP_STORAGE_SECONDS: DEADLINE },
    say: () => undefined,
    logFile: join(session.dataFolder, 'worker.log'),
  });
  onTestFinished(() => worker.kill());
  const { workflowId } = await ensureCoordinator(session.client, {
    node,
    storage,
    transaction_batch_size: batchSize,
    transaction_batch_seconds: 1,
  });
  return {
    status: () => readCoordinator(session.client, workflowId).catch(() => undefined),
    events: async () =>
      (await session.client.workflow.getHandle(workflowId).describe()).historyLength,
    die: () => worker.kill(),
  };
}

type Host = Awaited<ReturnType<typeof host>>;

const PLACES: Record<string, () => Promise<StorageConfig>> = {
  'a folder': () => Promise.resolve({ local_fs_dir: storageFolder() }),
  'a bucket': async () => ({ url: (await makeBucket(server)).url('e1') }),
};

it.each(Object.keys(PLACES))(
  'one of two hosts on %s works, the other goes on when it dies, and the storage is whole',
  async (place) => {
    const node = await devnode({ transactions: 400, stateItems: 100, epochs: 3 });
    const storage = await PLACES[place]!();
    const hosts = await Promise.all([
      host(node.address, storage, 100),
      host(node.address, storage, 70),
    ]);
    const caughtUp = async (one: Host) => {
      const status = await one.status();
      return hasCaughtUp(status, node.facts()) && status?.alarms.length === 0;
    };
    let first: Host | undefined;
    const oneHas = async () => {
      for (const one of hosts) if (await caughtUp(one)) first = one;
      return first !== undefined;
    };
    await until('one has caught up', oneHas, 120_000);
    const second = hosts.find((one) => one !== first)!;
    let waiting: Awaited<ReturnType<Host['status']>>;
    const answered = async () => (waiting = await second.status()) !== undefined;
    await until('the other one waits', async () => {
      return (await answered()) && waiting?.alarms[0]?.code === 'LEASE';
    });
    expect(waiting?.alarms).toHaveLength(1);
    expect(waiting?.alarms[0]?.text).toMatch(/^coordinator aptos-backup\/.* on host /);
    expect(waiting?.streams.transaction.waiting_for).toBe('the end of the alarm LEASE');
    expect(waiting?.streams.transaction.committed).toBe(0);
    const before = await second.events();

    // Only the holder of the storage follows the node, as long as it lives.
    node.grow({ transactions: 60, epochs: 1 });
    await until('it follows', () => caughtUp(first!), 120_000);
    await until('the other one answers', answered);
    expect(waiting?.streams.transaction.committed).toBe(0);
    expect(await second.events()).toBe(before);

    first!.die();
    node.grow({ transactions: 150, epochs: 1 });
    await until('the other one has taken over', () => caughtUp(second), 120_000);
    await until('the other one answers', answered);
    expect(waiting?.streams.transaction.committed).toBeGreaterThan(0);
    const coverage = await verifyStorage(
      openStorage(storage),
      { storage, trustWaypoints: [] },
      WHOLE_STORAGE,
    );
    expect(coverage).toMatchObject({ ok: true, findings: [], orphans: [] });
    const own = await openStorage(storage).listFolder('aptos-backup');
    const leases = own.filter(({ handle }) => handle.startsWith('aptos-backup/coordinator-'));
    expect(leases).toHaveLength(1);
  },
  600_000,
);
