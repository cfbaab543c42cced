/** Limits of a node hold for all of ours that works through one server: several commands, storages and processes. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ensureCoordinator } from '../../src/client/live-status.js';
import { limiterId } from '../../src/client/take-share.js';
import type { NodeLimiterStatus } from '../../src/contract/answers/limiter-answers.js';
import { committedNames, devnode, storageFolder } from '../support/backup.js';
import { dataFolder, runCli, startCli } from '../support/cli.js';
import { startTemporal } from '../support/temporal.js';
import { until } from '../support/until.js';

let session: Awaited<ReturnType<typeof startTemporal>>;
beforeAll(async () => {
  session = await startTemporal();
});
afterAll(() => session.close());

const STREAMS = 2;
/** Without these limits, the node gets more requests and bytes in a window than the test allows. */
const REQUESTS = 8;
const BYTES = 20_000;
/** Of the bytes that the simulated node serves, so many belong to one range at most. */
const RANGE_BYTES = 15_000;
/** What `load` of the simulated node counts in. */
const WINDOW_SECONDS = 10;
const LIMITS = {
  node_streams: STREAMS,
  node_requests_per_second: REQUESTS,
  node_bytes_per_second: BYTES,
};

it('two coordinators and a single backup, with the workers of two hosts, stay below the limits, and all are stored', async () => {
  const pauses = monitorEventLoopDelay();
  pauses.enable();
  const node = await devnode({ transactions: 200, stateItems: 50, epochs: 2 });
  // Streams that last, so that there would be many at once.
  node.fault({ kind: 'slow', endpoint: 'transactions', bytes_per_second: 100_000 });
  const folders = [storageFolder(), storageFolder()];
  const env = () => ({ ...session.workerEnv, APTOS_BACKUP_DATA_DIR: dataFolder() });
  const hosts = folders.map(() => startCli(['worker'], env()));
  for (const folder of folders) {
    await ensureCoordinator(session.client, {
      node: node.address,
      storage: { local_fs_dir: folder },
      ...{ transaction_batch_size: 50, transaction_batch_seconds: 1, max_chunk_size: 50_000 },
      ...LIMITS,
    });
  }
  const single = runCli(
    [
      ...['oneoff', 'transaction', '--start-version', '0', '--num-transactions', '60'],
      ...['--backup-service-address', `${node.address}/`, '--local-fs-dir', storageFolder()],
      ...['--max-chunk-size', '50000', '--node-streams', `${STREAMS}`],
      ...['--node-requests-per-second', `${REQUESTS}`, '--node-bytes-per-second', `${BYTES}`],
    ],
    env(),
  );
  const limiter = session.client.workflow.getHandle(limiterId(node.address));
  const holders = new Set<string>();
  await until(
    'both storages have all',
    async () => {
      const status = await limiter.query<NodeLimiterStatus>('status').catch(() => undefined);
      for (const { process } of status?.holders ?? []) holders.add(process);
      expect(status?.held.streams ?? 0).toBeLessThanOrEqual(STREAMS);
      return folders.every((folder) => {
        const names = committedNames(folder).join();
        return /transaction_151-200/.test(names) && /state_snapshot/.test(names);
      });
    },
    400_000,
  );
  expect(await single).toMatchObject({ code: 0 });
  expect(holders.size).toBeGreaterThan(2);
  const load = node.load();
  expect(load.most_streams).toBe(STREAMS);
  // What comes while this process pauses is counted only after the pause.
  const seconds = WINDOW_SECONDS + pauses.max / 1e9;
  expect(load.most_requests).toBeLessThanOrEqual(REQUESTS * seconds + holders.size);
  // A stream sends ahead what the buffers of both hosts hold: here a whole range.
  const ahead = (STREAMS + holders.size) * RANGE_BYTES;
  expect(load.most_bytes).toBeLessThanOrEqual(BYTES * seconds + ahead);
  for (const host of hosts) expect(await host.stop()).toBe(0);
}, 600_000);
