/**
 * The newest end of a chain: unsigned versions are left alone, and an epoch that ended with the last
 * version is not missed.
 */
import { expect, it } from 'vitest';
import { DEFAULT_LIMITS, healthOf } from '../../src/monitor/health.js';
import { openStorage } from '../../src/storage/open.js';
import { verifyStorage } from '../../src/verify/verify-storage.js';
import { devnode, fetchBytes, storageFolder } from '../support/backup.js';
import { coordinated } from '../support/coordinated.js';

it('a coordinator follows a node ahead of its signatures, and a chain that halts at the end of an epoch', async () => {
  const sizes = { transactions: 400, stateItems: 300, unsigned: 37 };
  const node = await devnode({ seed: 7, ...sizes, startTime: 'now' });
  const folder = storageFolder();
  const storage = { local_fs_dir: folder };
  const coordinator = await coordinated({
    node: node.address,
    storage,
    transaction_batch_size: 100,
    transaction_batch_seconds: 1,
    max_chunk_size: 50_000,
    trust_waypoints: [node.facts().genesis_waypoint],
  });
  const storedTo = (version: number) =>
    coordinator.reaches(`${version} is stored`, ({ streams, phase }) => {
      return streams.transaction.newest === `${version}` && phase === 'following';
    });
  /** The highest version that the node was asked for. */
  const asked = () =>
    Math.max(
      ...Object.keys(node.requests()).flatMap((path) => {
        const [, start, count] = /^\/transactions\/(\d+)\/(\d+)$/.exec(path) ?? [];
        return start === undefined ? [] : [Number(start) + Number(count) - 1];
      }),
    );

  await storedTo(400);
  expect((await fetchBytes(`${node.address}/transactions/401/50`)).length).toBeGreaterThan(1_000);
  node.clearRequests();
  node.grow({ transactions: 150 });
  await storedTo(550);
  expect(asked()).toBe(550);

  const { version } = node.grow({ transactions: 0, epochs: 1 });
  expect(node.facts()).toMatchObject({ epoch: 4, epoch_ends: { length: 5 } });
  const halted = await coordinator.reaches('its last epoch is stored', ({ streams }) => {
    const { epoch_ending: epochs, state_snapshot: state, transaction } = streams;
    const all = epochs.newest === '4' && state.newest === '4' && !state.current;
    return all && transaction.newest === `${version}` && !transaction.current;
  });
  expect(halted.alarms).toEqual([]);
  expect(healthOf(halted, DEFAULT_LIMITS, Date.now())).toEqual({ level: 'ok', reasons: [] });

  node.grow({ transactions: 60 });
  await storedTo(version + 60);
  await coordinator.stop();
  const coverage = await verifyStorage(openStorage(storage), { storage, trustWaypoints: [] });
  expect(coverage).toMatchObject({
    ok: true,
    epoch_endings: [{ first: '0', last: '4' }],
    transactions: [{ first: '0', last: `${version + 60}` }],
    restorable_by_stock: { yes: true },
  });
});
