/** What gc removes from a storage, and what it never touches. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Lease } from '../../../src/repository/lease.js';
import { readRetired, writeRetired } from '../../../src/repository/retired.js';
import { openStorage } from '../../../src/storage/open.js';
import { gcPage } from '../../../src/upkeep/gc/gc.js';
import { keepBackup } from '../../../src/upkeep/retention/pins.js';
import { consolidate } from '../../support/consolidate.js';
import { backUp, devnode, storageFolder } from '../../support/backup.js';
import { STOCK, StorageCopy } from '../../support/storage-copy.js';
import { committedFolders, gc, prune, upkeepTools } from '../../support/upkeep.js';

const PLAIN = join(STOCK, 'stock-plain');
const EPOCH_3 = 'state_epoch_3_ver_138.901c';
const BATCH = 'transaction_101-.7134';
const DAYS_MS = 86_400_000;

/** Makes everything in a folder look as if nothing had changed for some days. */
function age(folder: string, days: number): void {
  const time = new Date(Date.now() - days * DAYS_MS);
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    utimesSync(join(folder, name), time, time);
  }
  utimesSync(folder, time, time);
}

describe('a retired backup', () => {
  it('loses its data after its grace, and not before', async () => {
    const copy = new StorageCopy(PLAIN);
    await prune(copy.folder, { keep_last: 1, force: true });
    const waiting = await gc(copy.folder);
    expect(waiting).toMatchObject({ removed_count: 0, waiting: 1, left: [], denied: false });
    expect(waiting.waiting_bytes).toBeGreaterThan(10_000);

    const planned = await gc(copy.folder, { graceMs: 0, dryRun: true });
    expect(planned.removed).toMatchObject([{ folder: EPOCH_3 }]);
    expect(copy.has(`${EPOCH_3}/state.manifest`)).toBe(true);
    const done = await gc(copy.folder, { graceMs: 0 });
    expect(done).toMatchObject({ removed_count: 1, removed_bytes: planned.removed_bytes });
    expect(done.removed[0]!.why).toMatch(/^retired at 20.*\(retention\)$/);
    expect(copy.has(EPOCH_3)).toBe(false);
    expect(committedFolders(copy.folder)).toHaveLength(8);
    expect(await gc(copy.folder, { graceMs: 0 })).toMatchObject({ removed_count: 0, left: [] });
  });

  it('stays when metadata names it again, when it is pinned, and when its record is damaged', async () => {
    const copy = new StorageCopy(PLAIN);
    await keepBackup(EPOCH_3, undefined, upkeepTools(copy.storage)); // after the next line it would be unknown
    rmSync(copy.path(`aptos-backup/kept-${EPOCH_3}.json`));
    await prune(copy.folder, { keep_last: 1, transactions_from: 201, force: true });
    const line = `${EPOCH_3.slice(0, 5)}_snapshot_ver_138.meta`;
    cpSync(copy.path(`metadata_backup/${line}`), copy.path(`metadata/${line}`));
    copy.write(`aptos-backup/kept-${BATCH}.json`, 'a pin that nobody can read');
    copy.write('transaction_1-.a9e2/retired.json', '{}');
    const found = await gc(copy.folder, { graceMs: 0 });
    expect(found.removed.map(({ folder }) => folder)).toEqual(['transaction_0-.b2a3']);
    expect(Object.fromEntries(found.left.map(({ folder, why }) => [folder, why]))).toEqual({
      [BATCH]: 'it is pinned',
      'transaction_1-.a9e2': 'its retired.json is damaged; repair it, or remove the folder',
    });
    expect(committedFolders(copy.folder)).toContain(EPOCH_3);
  });

  it('stays as long as nobody knows all that metadata names', async () => {
    const copy = new StorageCopy(PLAIN);
    await prune(copy.folder, { keep_last: 1, force: true });
    copy.write('metadata/torn.meta', '{"TransactionBackup":{"fir');
    const found = await gc(copy.folder, { graceMs: 0 });
    expect(found).toMatchObject({ removed_count: 0 });
    expect(found.blocked).toMatch(/^metadata\/torn\.meta cannot be read/);
    copy.remove('metadata/torn.meta');
    copy.remove('metadata/epoch_ending_0-0.meta');
    await expect(gc(copy.folder, { graceMs: 0 })).rejects.toMatchObject({ code: 'LISTING_SHORT' });
  });

  it('that a larger one replaced stays as long as that is not there', async () => {
    const copy = new StorageCopy(PLAIN);
    copy.remove('metadata/transaction_1-100.meta');
    const storage = copy.storage;
    const entry = {
      type: 'TransactionBackup' as const,
      firstVersion: 1n,
      lastVersion: 100n,
      manifest: 'transaction_1-.a9e2/transaction.manifest',
      source: 'metadata/transaction_1-100.meta',
    };
    const times = { retiredAt: 1, notBefore: 2, metadata: entry.source };
    const replacedBy = 'transaction_101-.7134/transaction.manifest';
    await writeRetired(storage, entry, { why: 'consolidated', replacedBy, ...times });
    const found = await gc(copy.folder);
    expect(found.left).toEqual([
      {
        folder: 'transaction_1-.a9e2',
        why: `it was retired for ${replacedBy}, which is not there or holds less`,
      },
    ]);
  });

  it('that a larger one replaced goes also when that one was consolidated or given up in its turn', async () => {
    const small = ['transaction_1-.a9e2', BATCH];
    const twice = new StorageCopy(PLAIN);
    for (const size of [200n, 250n]) await consolidate(twice.storage, { size });
    const done = await gc(twice.folder, { graceMs: 0 });
    expect(done).toMatchObject({ left: [], removed_count: 4 });
    expect(done.removed.map(({ folder }) => folder)).toEqual(expect.arrayContaining(small));
    expect(committedFolders(twice.folder)).toHaveLength(7);

    const pruned = new StorageCopy(PLAIN);
    await consolidate(pruned.storage, { size: 200n });
    await prune(pruned.folder, { transactions_from: 201, force: true });
    const given = await gc(pruned.folder, { graceMs: 0 });
    expect(given).toMatchObject({ left: [], removed_count: 4 });
    expect(given.removed.map(({ folder }) => folder)).toEqual(expect.arrayContaining(small));
  });

  it('of a full batch that was given up stays as long as the data of that one', async () => {
    const copy = new StorageCopy(PLAIN);
    await consolidate(copy.storage, { size: 200n });
    for (const folder of ['transaction_1-.a9e2', BATCH]) {
      const record = (await readRetired(copy.storage, folder))!;
      const { first: firstVersion, last: lastVersion, manifest, metadata: source } = record;
      const entry = { firstVersion, lastVersion, manifest, source };
      const over = { ...record, notBefore: record.retiredAt };
      await writeRetired(copy.storage, { type: 'TransactionBackup', ...entry }, over);
    }
    await prune(copy.folder, { transactions_from: 201, force: true });
    expect(await gc(copy.folder)).toMatchObject({ removed: [], left: [], waiting: 4 });
    expect(await gc(copy.folder, { graceMs: 0 })).toMatchObject({ removed_count: 4, waiting: 0 });
  });
});

describe('a folder that no metadata names', () => {
  it('stays while anybody may work on it or need it, and goes when nobody can', async () => {
    const copy = new StorageCopy(PLAIN);
    const old = (name: string, days: number, from = BATCH, names?: string[]) => {
      mkdirSync(copy.path(name));
      copy.copy(from, name, names ?? readdirSync(copy.path(from)));
      age(copy.path(name), days);
    };
    old('transaction_101-.dead', 31); // a whole one, that another one has
    old('transaction_101-.late', 31); // not a name of a backup
    old('transaction_101-.beef', 29); // young
    old('transaction_201-.0bad', 31, 'transaction_201-.b917', ['201-.chunk']); // half an attempt
    old('transaction_201-.0b0b', 2, 'transaction_201-.b917', ['201-.chunk']);
    old('state_epoch_4_ver_199.abcd', 99, EPOCH_3); // whole, and the only one: its manifest names epoch 3
    mkdirSync(copy.path('photos'));
    writeFileSync(copy.path('photos/cat.jpg'), 'cat');
    age(copy.path('photos'), 999);
    copy.remove('metadata/state_snapshot_ver_138.meta');
    age(copy.path(EPOCH_3), 99);
    const found = await gc(copy.folder);
    expect(found.removed.map(({ folder }) => folder)).toEqual([
      'transaction_101-.dead',
      'transaction_201-.0bad',
    ]);
    const left = Object.fromEntries(found.left.map(({ folder, why }) => [folder, why]));
    expect(Object.keys(left).sort()).toEqual([
      'photos',
      EPOCH_3,
      'state_epoch_4_ver_199.abcd',
      'transaction_101-.beef',
      'transaction_101-.late',
      'transaction_201-.0b0b',
    ]);
    expect(left[EPOCH_3]).toMatch(/its line may be lost$/);
    expect(left['transaction_101-.beef']).toMatch(/changed 29 days ago, and 30 are needed$/);
    expect(committedFolders(copy.folder)).toHaveLength(8);
  });

  it('is a unit in progress on another host: it is left alone, and can be committed afterwards', async () => {
    const node = await devnode({ transactions: 40, stateItems: 20, epochs: 2 });
    const folder = storageFolder();
    const setup = { node: node.address, folder };
    await backUp({ ...setup, target: { type: 'epoch_ending', start_epoch: 0, end_epoch: 1 } });
    const target = { type: 'transaction', start_version: 0, num_transactions: 30 } as const;
    let seen: unknown;
    const beforeCommit = async (unit: { folder: string }) => {
      age(join(folder, unit.folder), 29);
      seen = (await gc(folder, { graceMs: 0 })).left;
    };
    const result = await backUp({ ...setup, target, beforeCommit });
    expect(seen).toMatchObject([{ folder: result.backup }]);
    expect(committedFolders(folder)).toContain(result.backup);

    // Nobody goes on with one that was left alone for so long; its files are all there are of it.
    let unfinished = '';
    const dies = (unit: { folder: string }) => {
      unfinished = unit.folder;
      throw new Error('the host is gone');
    };
    const later = { type: 'transaction', start_version: 30, num_transactions: 5 } as const;
    await expect(backUp({ ...setup, target: later, beforeCommit: dies })).rejects.toThrow('gone');
    age(join(folder, unfinished), 31);
    const storage = openStorage({ local_fs_dir: folder });
    const running = { ...upkeepTools(storage), isRunning: () => Promise.resolve(true) };
    expect((await gcPage({}, running)).left).toMatchObject([{ why: 'a backup works on it' }]);
    expect((await gc(folder)).removed).toMatchObject([{ folder: unfinished }]);
    expect(existsSync(join(folder, unfinished))).toBe(false);
    // The next attempt of the unit is not disturbed by what was removed.
    const again = await backUp({ ...setup, target: later });
    expect(committedFolders(folder)).toContain(again.backup);
  });
});

it('old leases and unfinished files of dead writers go, page by page', async () => {
  const copy = new StorageCopy(PLAIN);
  const lease = new Lease(copy.storage, 'coordinator', upkeepTools(copy.storage).holder);
  mkdirSync(copy.path('aptos-backup'));
  await lease.claim();
  for (const number of [3, 7]) {
    writeFileSync(copy.path(`aptos-backup/coordinator-0000000${number}.lease`), '{}');
  }
  const part = copy.path(`${BATCH}/.00000000-1-0123456789ab.part`);
  writeFileSync(part, 'unfinished');
  age(copy.path(BATCH), 2);
  const fresh = copy.path(`${BATCH}/.00000000-1-0123456789ac.part`);
  writeFileSync(fresh, 'being written on another host');
  let [after, leases, removed, left]: [string | undefined, number, number, number] = [
    ...([undefined, 0, 0, 0] as const),
  ];
  do {
    const page = await gc(copy.folder, { after, most: 4 });
    leases += page.leases_removed;
    removed += page.unfinished_removed;
    left += page.unfinished_left;
    after = page.next;
  } while (after !== undefined);
  expect([leases, removed, left]).toEqual([2, 1, 1]);
  expect([existsSync(part), existsSync(fresh)]).toEqual([false, true]);
  expect(committedFolders(copy.folder)).toHaveLength(9);
});
