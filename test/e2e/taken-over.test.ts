/** Storages that the stock tool began, with damage, are continued and end up whole. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import type { CoordinatorInput } from '../../src/contract/coordinator-input.js';
import { backUp, devnode, storageFolder } from '../support/backup.js';
import { coordinated } from '../support/coordinated.js';
import { stockNode } from '../support/stock-node.js';
import { STOCK, StorageCopy } from '../support/storage-copy.js';
import type { LiveStatus } from '../../src/contract/answers/shown-answers.js';

/** Follows a node until the status is as wanted. */
async function follow(
  input: CoordinatorInput,
  done: (status: LiveStatus) => boolean,
): Promise<LiveStatus> {
  const coordinator = await coordinated(input);
  const status = await coordinator.reaches('it has caught up', done);
  await coordinator.stop();
  return status;
}

it('a storage of the stock tool is continued where it ends', async () => {
  const s = new StorageCopy(join(STOCK, 'stock-continuous'));
  const before = s.files();
  const status = await follow(
    {
      node: await stockNode(),
      storage: { local_fs_dir: s.folder },
      transaction_batch_size: 100,
      transaction_batch_seconds: 1,
    },
    ({ streams, alarms }) => streams.transaction.newest === '250' && alarms.length > 0,
  );
  expect(status.streams.epoch_ending).toMatchObject({ newest: '5', lag: '0', committed: 0 });
  // The node has pruned the state of epoch 0, which each storage should have. The status says so.
  expect(status.alarms).toMatchObject([{ code: 'SNAPSHOT_GIVEN_UP' }]);
  const added = s.files().filter((file) => !before.includes(file));
  expect(added.filter((file) => file.startsWith('metadata/'))).toEqual([
    'metadata/transaction_201-250.meta',
  ]);
  // The files that the stock tool wrote for these versions, byte for byte.
  const theirs = new StorageCopy(join(STOCK, 'stock-plain'));
  const content = (copy: StorageCopy) => {
    const { chunks } = copy.manifest(copy.manifestOf(copy.metadata('transaction_201-')));
    return Buffer.concat(chunks.map((chunk) => copy.read(chunk['transactions'] as string)));
  };
  expect(content(s)).toEqual(content(theirs));
  expect(await s.verify()).toMatchObject({
    ok: true,
    transactions: [{ first: '0', last: '250', proven: 'signed' }],
    restorable_by_stock: { yes: true },
  });
});

it('a storage that the stock tool wrote in gzip is continued in gzip, and none of its files is written again', async () => {
  const s = new StorageCopy(join(STOCK, 'stock-gzip'));
  const theirs = new StorageCopy(join(STOCK, 'stock-plain'));
  // The last batch must be stored again.
  s.remove('transaction_201-.5dde');
  s.remove('metadata/transaction_201-250.meta');
  const before = s.files();
  const contents = before.map((file) => s.read(file));
  await follow(
    {
      node: await stockNode(),
      storage: { local_fs_dir: s.folder },
      transaction_batch_size: 100,
      transaction_batch_seconds: 1,
    },
    ({ streams, alarms }) => streams.transaction.newest === '250' && alarms.length > 0,
  );
  expect(before.map((file) => s.read(file))).toEqual(contents);
  const added = s.files().filter((file) => !before.includes(file));
  expect(added.filter((file) => file.startsWith('metadata'))).toEqual([
    'metadata/transaction_201-250.meta',
  ]);
  const format = added.filter((file) => /\.(meta|manifest|chunk|proof)$/.test(file));
  for (const file of format) s.edit(file, gunzipSync); // each of them is gzip'd
  const content = (copy: StorageCopy) => {
    const { chunks } = copy.manifest(copy.manifestOf('metadata/transaction_201-250.meta'));
    return Buffer.concat(chunks.map((chunk) => copy.read(chunk['transactions'] as string)));
  };
  expect(content(s)).toEqual(content(theirs));
  for (const file of format) s.edit(file, (bytes) => gzipSync(bytes));
  for (let run = 0; run < 2; run += 1) {
    expect(await s.verify()).toMatchObject({
      ok: true,
      transactions: [{ first: '0', last: '250', proven: 'signed' }],
      restorable_by_stock: { yes: true },
    });
  }
});

it('a storage of the stock tool with holes, torn lines, duplicates and half-finished folders is continued', async () => {
  const node = await devnode({ transactions: 500, stateItems: 300, epochs: 4 });
  const folder = storageFolder();
  const common = { node: node.address, folder };
  const transactions = (start: number, count: number) =>
    backUp({
      ...common,
      target: { type: 'transaction', start_version: start, num_transactions: count },
    });
  await backUp({ ...common, target: { type: 'epoch_ending', start_epoch: 0, end_epoch: 2 } });
  await backUp({ ...common, target: { type: 'state_snapshot', epoch: 1 } });
  await transactions(0, 1);
  await transactions(1, 100);
  const torn = await transactions(101, 100);
  await transactions(301, 100);
  const s = new StorageCopy(folder);
  likeStock(s);
  s.edit(torn.metadata, (bytes) => bytes.subarray(0, 30));
  s.copy('transaction_0-.0000', 'transaction_0-.1111');
  s.copy('transaction_301-.0000', 'transaction_301-.1111', ['301-.chunk']);

  const { version } = node.facts();
  const status = await follow(
    {
      node: node.address,
      storage: { local_fs_dir: s.folder },
      transaction_batch_size: 100,
      transaction_batch_seconds: 1,
      max_chunk_size: 20_000,
    },
    ({ streams, alarms }) =>
      streams.transaction.newest === `${version}` &&
      streams.transaction.lag === '0' &&
      streams.state_snapshot.newest === '3' &&
      alarms.length > 0 &&
      alarms.every(({ code }) => code === 'DAMAGED'),
  );
  expect(status.alarms[0]!.text).toContain(torn.metadata);
  const coverage = await s.verify();
  expect(coverage.findings).toEqual([]);
  expect(coverage).toMatchObject({
    ok: true,
    epoch_endings: [{ first: '0', last: '3' }],
    transactions: [{ first: '0', last: `${version}` }],
    restorable_by_stock: { yes: true },
  });
  expect(coverage.state_snapshots.map(({ epoch }) => epoch)).toEqual(['0', '1', '3']);
  expect(coverage.orphans).toContain('transaction_0-.1111/');
  const lines = readdirSync(s.path('metadata')).filter((name) => name.startsWith('transaction_'));
  expect(lines.sort()).toEqual([
    ...['transaction_0-0.meta', 'transaction_1-100.meta', 'transaction_101-200.meta'],
    ...['transaction_201-300.meta', 'transaction_301-400.meta', `transaction_401-${version}.meta`],
  ]);
});

/** Removes what only aptos-backup writes, and gives folders names that it never gives. */
function likeStock(s: StorageCopy): void {
  for (const file of s.files()) {
    if (/(plan|committed)\.json$|\.receipt$/.test(file)) s.remove(file);
  }
  s.remove('aptos-backup');
  for (const file of s.files().filter((name) => /\.(meta|manifest)$/.test(name))) {
    s.edit(file, (bytes) =>
      Buffer.from(bytes.toString().replaceAll(/(_\d+-?)\.[0-9a-f]{4}\//g, '$1.0000/')),
    );
  }
  for (const folder of readdirSync(s.folder).filter((name) => name !== 'metadata')) {
    s.copy(folder, folder.replace(/\.[0-9a-f]{4}$/, '.0000'));
    s.remove(folder);
  }
}
