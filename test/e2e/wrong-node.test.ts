/** A node that is no longer the same: nothing is written, and the message says what is wrong. */
import { expect, it } from 'vitest';
import { openStorage } from '../../src/storage/open.js';
import { verifyStorage } from '../../src/verify/verify-storage.js';
import { devnode, namesBelow, storageFolder } from '../support/backup.js';
import { coordinated } from '../support/coordinated.js';
import type { DevnodeOptions } from '../../src/devnode/devnode.js';

const CHAIN: DevnodeOptions = { seed: 5, transactions: 400, stateItems: 300, epochs: 4 };

/** A storage's files, without what the coordinator's leases are written to right now. */
const files = (folder: string) =>
  namesBelow(folder)
    .filter((name) => !/^aptos-backup\/\..*\.part$/.test(name))
    .sort();

/** A coordinator that has backed up everything a node has. */
async function caughtUp(options = CHAIN) {
  const node = await devnode(options);
  const folder = storageFolder();
  const input = {
    node: node.address,
    storage: { local_fs_dir: folder },
    transaction_batch_size: 100,
    transaction_batch_seconds: 1,
    max_chunk_size: 50_000,
  };
  const coordinator = await coordinated(input);
  const { version } = node.facts();
  await coordinator.reaches('it has caught up', ({ streams }) => {
    const { state_snapshot: snapshots, transaction } = streams;
    return transaction.newest === `${version}` && snapshots.newest === '3' && !snapshots.current;
  });
  return { node, folder, input, coordinator };
}

it('a node of another chain is refused, and the message names both chains', async () => {
  const { node, folder, input, coordinator } = await caughtUp();
  const before = files(folder);
  const other = await devnode({ ...CHAIN, seed: 6, transactions: 900 });
  await coordinator.configure({ ...input, node: other.address });
  const { alarms } = await coordinator.reaches('it is refused', ({ phase }) => phase === 'trouble');
  const text = alarms.map((alarm) => alarm.text).join();
  expect(text).toContain(node.facts().genesis_waypoint);
  expect(text).toContain(other.facts().genesis_waypoint);
  expect(files(folder)).toEqual(before);

  await coordinator.configure(input);
  node.grow({ transactions: 150 });
  const after = await coordinator.reaches(
    'it goes on with the right one',
    ({ streams }) => streams.transaction.newest === '550',
  );
  expect(after.alarms).toEqual([]);
  await coordinator.stop();
});

it('a coordinator waits for a node that was wiped to a lower version', async () => {
  const { folder, input, coordinator } = await caughtUp();
  const before = files(folder);
  const wiped = await devnode({ ...CHAIN, transactions: 200, epochs: 2 });
  await coordinator.configure({ ...input, node: wiped.address });
  const { alarms } = await coordinator.reaches('it is told', ({ alarms }) => alarms.length > 0);
  expect(alarms.map(({ text }) => text).join()).toMatch(
    /the node has less than the storage, which reaches version 400/,
  );
  expect(files(folder)).toEqual(before);
  await coordinator.stop();
});

it('versions that a node pruned before they were stored are reported as lost, and the rest goes on', async () => {
  const { node, folder, input, coordinator } = await caughtUp();
  await coordinator.stop();
  node.grow({ transactions: 3_000, epochs: 2 });
  const pruned = await devnode({ ...CHAIN, pruneWindow: 1_000 });
  pruned.grow({ transactions: 3_000, epochs: 2 });
  const again = await coordinated({ ...input, node: pruned.address });
  const status = await again.reaches(
    'what is there is stored',
    ({ streams }) => streams.transaction.newest === '3400' && streams.state_snapshot.newest === '5',
  );
  const lost = status.alarms.find(({ code }) => code === 'LOST');
  expect(lost?.text).toMatch(/transactions 401 to 2399 are not stored and the node no longer has/);
  await again.stop();
  const storage = { local_fs_dir: folder };
  const coverage = await verifyStorage(openStorage(storage), { storage, trustWaypoints: [] });
  expect(coverage).toMatchObject({
    ok: false,
    findings: [],
    missing: { transactions: [{ first: '401', last: '2399' }] },
    // Up to the gap, if the stock tool is told to stop there.
    restorable_by_stock: { yes: true, version: '400', needs_target_version: true },
  });
});
