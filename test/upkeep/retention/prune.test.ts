/** Keep rules on real storages: what they refuse, what they retire, and what stays readable for everybody. */
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeStateRootProof } from '../../../src/aptos/index.js';
import { parsePruneInput } from '../../../src/contract/retention-input.js';
import { readCatalog, readKnownCatalog } from '../../../src/repository/catalog.js';
import { readRetired } from '../../../src/repository/retired.js';
import { openStorage } from '../../../src/storage/open.js';
import { StorageError } from '../../../src/storage/storage-error.js';
import { describePlan } from '../../../src/upkeep/retention/describe-plan.js';
import { keepBackup, listPins, unkeepBackup } from '../../../src/upkeep/retention/pins.js';
import { planPrune } from '../../../src/upkeep/retention/plan.js';
import { backUp, devnode, storageFolder } from '../../support/backup.js';
import { consolidate } from '../../support/consolidate.js';
import { STOCK, StorageCopy } from '../../support/storage-copy.js';
import { committedFolders, prune, upkeepTools } from '../../support/upkeep.js';

const quiet = () => undefined;
const PLAIN = join(STOCK, 'stock-plain');
const [EPOCH_3, EPOCH_5] = ['state_epoch_3_ver_138.901c', 'state_epoch_5_ver_240.d6e6'];

async function planOf(folder: string, rules: object) {
  const storage = openStorage({ local_fs_dir: folder });
  const order = parsePruneInput({ storage: { local_fs_dir: folder }, ...rules });
  return describePlan(storage, await planPrune(storage, order.rules, quiet), order.graceMs, quiet);
}

/** A small storage of ours with a snapshot of each epoch. */
async function ownStorage(epochs = 4) {
  const node = await devnode({ transactions: 60, stateItems: 40, epochs });
  const folder = storageFolder();
  const range = { node: node.address, folder };
  await backUp({ ...range, target: { type: 'epoch_ending', start_epoch: 0, end_epoch: epochs } });
  const count = node.facts().version + 1;
  for (const [start, n] of [
    [0, 1],
    [1, 20],
    [21, count - 21],
  ] as const) {
    const target = { type: 'transaction', start_version: start, num_transactions: n } as const;
    await backUp({ ...range, target });
  }
  for (let epoch = 0; epoch < epochs; epoch += 1) {
    await backUp({ ...range, target: { type: 'state_snapshot', epoch } });
  }
  return { folder, node };
}

describe('a rule that would leave the stock tool less to restore', () => {
  it('is refused, with the versions that would be lost, unless it is forced', async () => {
    const copy = new StorageCopy(PLAIN);
    // Transactions up to 137 can only be used behind a snapshot below them, and there is none.
    await expect(prune(copy.folder, { keep_last: 1 })).rejects.toMatchObject({
      code: 'PRUNE_REFUSED',
      message: expect.stringMatching(/versions 138 to 239;.*--force/) as string,
    });
    for (const rules of [{ transactions_from: 150 }, { epoch_endings_from: 100 }]) {
      await expect(prune(copy.folder, rules)).rejects.toMatchObject({
        message: expect.stringMatching(/versions 138 to 250;/) as string,
      });
    }
    expect(committedFolders(copy.folder)).toHaveLength(9);
    expect(copy.files().filter((name) => name.includes('retired'))).toEqual([]);

    expect(await prune(copy.folder, { keep_last: 1, force: true })).toBe(1);
    expect(committedFolders(copy.folder)).not.toContain(EPOCH_3);
    expect(copy.has(`${EPOCH_3}/state.manifest`)).toBe(true);
  });

  it.each([
    ['no snapshot', /state_snapshot/],
    ['version 0 is missing', /transaction_0-0/],
    ['epoch ending 0 is missing', /epoch_ending_0-/],
  ])('is refused also while nothing can be restored: %s', async (_, name) => {
    const copy = new StorageCopy(PLAIN);
    const lines = copy.files().filter((file) => file.startsWith('metadata/') && name.test(file));
    for (const file of lines) copy.remove(file);
    const before = committedFolders(copy.folder);
    await expect(prune(copy.folder, { transactions_from: 201 })).rejects.toMatchObject({
      code: 'PRUNE_REFUSED',
    });
    expect(committedFolders(copy.folder)).toEqual(before);
  });

  it('is not one that retires snapshots between the first and the newest', async () => {
    const { folder } = await ownStorage();
    const plan = await planOf(folder, { keep_last: 1 });
    expect(plan).toMatchObject({ done: false, retired_count: 2, would_lose: [] });
    expect(plan.restorable_after).toEqual(plan.restorable_before);
    expect(plan.retired.map(({ first, bytes }) => [first, bytes! > 1000])).toEqual([
      ['1', true],
      ['2', true],
    ]);
    expect(plan.kept_snapshots.map(({ epoch, why }) => [epoch, why])).toEqual([
      ['3', ['newest', 'newest proven', 'last']],
      ['0', ['genesis']],
    ]);
    expect(await prune(folder, { keep_last: 1 })).toBe(2);
    expect(await prune(folder, { keep_last: 1 })).toBe(0);
    const names = committedFolders(folder).filter((name) => name.startsWith('state'));
    expect(names.map((name) => name.split('_')[2])).toEqual(['0', '3']);
    // What was retired is not missed, and data and copy of its line are still there.
    expect((await readKnownCatalog(openStorage({ local_fs_dir: folder }))).files).toBe(7);
    expect(readdirSync(join(folder, 'metadata_backup'))).toHaveLength(2);
    const gone = plan.retired[0]!.backup;
    const record = await readRetired(openStorage({ local_fs_dir: folder }), gone);
    expect(record).toMatchObject({ why: 'retention', kind: 'state_snapshot', first: 1n });
    expect(record!.notBefore - record!.retiredAt).toBe(7 * 86_400_000);
    expect(existsSync(join(folder, gone, 'state.manifest'))).toBe(true);
  });

  it('takes the time of a snapshot from the ledger info in its state.proof', async () => {
    const copy = new StorageCopy(PLAIN);
    const plan = await planOf(copy.folder, { keep_daily: '1d' });
    const times = [...plan.retired, ...plan.kept_snapshots].map(({ at }) => at);
    expect(times).toHaveLength(2);
    for (const at of times) expect(at).toMatch(/^20\d\d-/);
    copy.flip(`${EPOCH_3}/state.proof`, 0);
    const unknown = await planOf(copy.folder, { keep_daily: '1d' });
    const kept = unknown.kept_snapshots.find(({ backup }) => backup === EPOCH_3);
    expect(kept).toMatchObject({ why: ['time unknown'] });
    expect(kept!.at).toBeUndefined();
  });

  it.each([
    ['of a far future', 4_102_444_800_000_000n],
    ['that no calendar has', 2n ** 63n],
  ])('lets nothing go for a time %s, which damage made', async (_, usecs) => {
    const copy = new StorageCopy(PLAIN);
    copy.edit(`${EPOCH_5}/state.proof`, (bytes) => {
      const before = Buffer.alloc(8);
      before.writeBigUInt64LE(decodeStateRootProof(bytes).ledgerInfo.ledgerInfo.timestampUsecs);
      bytes.writeBigUInt64LE(usecs, bytes.indexOf(before));
      return bytes;
    });
    const plan = await planOf(copy.folder, { keep_monthly: '1y' });
    expect(plan).toMatchObject({ retired_count: 0, kept_snapshots_count: 2 });
    expect(plan.kept_snapshots[0]).toMatchObject({ backup: EPOCH_5 });
    expect(plan.kept_snapshots[0]!.why).toContain('time unknown');
  });
});

describe('a snapshot of which a file is missing or short', () => {
  it.each([
    ['a chunk is gone', /\.chunk$/, (copy: StorageCopy, file: string) => copy.remove(file)],
    ['a proof is gone', /\d\.proof$/, (copy: StorageCopy, file: string) => copy.remove(file)],
    [
      'a chunk is short',
      /\.chunk$/,
      (copy: StorageCopy, file: string) => copy.edit(file, (bytes) => bytes.subarray(1)),
    ],
  ])(
    'takes the place of no good one, although no verification has seen it: %s',
    async (_, which, hurt) => {
      const copy = new StorageCopy((await ownStorage()).folder);
      const plan = () => planOf(copy.folder, { keep_last: 1, force: true });
      const reasons = async () =>
        (await plan()).kept_snapshots.map(({ epoch, why }) => [epoch, ...why]);
      expect(await reasons()).toEqual([
        ['3', 'newest', 'newest proven', 'last'],
        ['0', 'genesis'],
      ]);
      const file = copy
        .files()
        .find((name) => name.startsWith('state_epoch_3') && which.test(name))!;
      hurt(copy, file);
      expect(await reasons()).toEqual([
        ['3', 'newest', 'last'],
        ['2', 'newest proven', 'last'],
        ['0', 'genesis'],
      ]);
    },
  );
});

it('damaged metadata is refused, also by force: nobody knows what it names', async () => {
  const copy = new StorageCopy(PLAIN);
  copy.write('metadata/torn.meta', '{"StateSnapshotBackup":{"epo');
  await expect(prune(copy.folder, { keep_last: 1, force: true })).rejects.toMatchObject({
    code: 'PRUNE_REFUSED',
    message: expect.stringMatching(/metadata\/torn\.meta .* cannot be read/) as string,
  });
});

it('a file of a compaction with several lines is rewritten without the retired ones, and the stamps as well', async () => {
  const copy = new StorageCopy(PLAIN);
  copy.remove('metadata');
  copy.copyFrom(join(STOCK, 'stock-compacted/after-run1/metadata'), 'metadata');
  const before = await readCatalog(copy.storage);
  expect(await prune(copy.folder, { transactions_from: 101, force: true })).toBe(2);
  const after = await readCatalog(copy.storage);
  expect(after.damaged).toEqual([]);
  const spans = after.transactions.map(({ firstVersion, lastVersion }) => [
    firstVersion,
    lastVersion,
  ]);
  expect(spans).toEqual([
    [101n, 200n],
    [201n, 250n],
  ]);
  expect(after.snapshots.length).toBe(before.snapshots.length);
  // The snapshots are in one file together: one of them goes, and the other stays as it was written.
  expect(await prune(copy.folder, { keep_last: 1, force: true })).toBe(1);
  const [left] = (await readCatalog(copy.storage)).snapshots;
  expect(left).toMatchObject({
    epoch: 5n,
    source: 'metadata/state_snapshot_compacted_epoch_5_5.meta',
  });
  // The newest stamps name no file that is gone, so that every release of the stock tool's compactor goes on.
  const names = readdirSync(copy.path('metadata'));
  const newest = names
    .filter((name) => name.startsWith('compaction_timestamps'))
    .sort()
    .at(-1)!;
  const { CompactionTimestamps: stamps } = JSON.parse(
    readFileSync(copy.path(`metadata/${newest}`), 'utf8'),
  ) as { CompactionTimestamps: { compaction_timestamps: Record<string, number> } };
  for (const handle of Object.keys(stamps.compaction_timestamps))
    expect(copy.has(handle)).toBe(true);
});

describe('a pinned backup', () => {
  it('is not retired before its pin is taken away', async () => {
    const copy = new StorageCopy(PLAIN);
    const tools = upkeepTools(copy.storage);
    await expect(keepBackup('state_epoch_4_ver_9.0000', undefined, tools)).rejects.toMatchObject({
      code: 'BACKUP_UNKNOWN',
    });
    await keepBackup(`${EPOCH_3}/state.manifest`, 'the last one before the upgrade', tools);
    expect(await listPins(tools)).toMatchObject([
      { folder: EPOCH_3, note: 'the last one before the upgrade' },
    ]);
    const plan = await planOf(copy.folder, { keep_last: 1 });
    expect(plan).toMatchObject({ retired_count: 0, pinned: [EPOCH_3] });
    expect(await prune(copy.folder, { keep_last: 1, force: true })).toBe(0);
    // A pin that cannot be read keeps its backup as well.
    copy.write(`aptos-backup/kept-${EPOCH_3}.json`, 'torn');
    expect(await prune(copy.folder, { keep_last: 1, force: true })).toBe(0);
    await unkeepBackup(EPOCH_3, tools);
    await expect(unkeepBackup(EPOCH_3, tools)).rejects.toMatchObject({ code: 'BACKUP_UNKNOWN' });
    expect(await prune(copy.folder, { keep_last: 1, force: true })).toBe(1);
    expect(committedFolders(copy.folder)).toContain(EPOCH_5);
  });
});

it('transactions that were given up are neither missing to a verification nor fetched again', async () => {
  const { folder } = await ownStorage(3);
  expect(await prune(folder, { transactions_from: 21, force: true })).toBe(2);
  const copy = new StorageCopy(folder);
  const coverage = await copy.verify();
  expect(coverage.missing).toMatchObject({ epoch_endings: [], transactions: [] });
  expect(coverage.transactions).toMatchObject([{ first: '21' }]);
  expect(coverage.restorable_by_stock.yes).toBe(false);
});

it('small backups of a full batch that was given up are no finding of a verification', async () => {
  const copy = new StorageCopy(PLAIN);
  await consolidate(copy.storage, { size: 200n });
  await prune(copy.folder, { transactions_from: 201, force: true });
  expect(copy.has('transaction_1-.a9e2/retired.json')).toBe(true);
  const { findings } = await copy.verify();
  expect(findings.filter(({ code }) => code === 'METADATA')).toEqual([]);
});

it.each([
  [{}, /give at least one rule/],
  [{ keep_last: 0 }, /keep_last must be a whole number from 1/],
  [{ keep_daily: '3m' }, /keep_daily must be a time like 36h, 30d, 8w or 2y, not "3m"/],
  [{ keep_last: 1, grace: 'week' }, /grace must be a time/],
  [{ keep_lst: 1 }, /did you mean "keep_last"/],
])('an input %j is refused', (rules, why) => {
  expect(() => parsePruneInput({ storage: '/backups', ...rules })).toThrow();
  expect(() => parsePruneInput({ storage: { local_fs_dir: '/backups' }, ...rules })).toThrow(why);
});

it('every line that was retired stays in metadata_backup, however often a file is written anew', async () => {
  const { folder } = await ownStorage(6);
  const metadata = join(folder, 'metadata');
  const lines = readdirSync(metadata).filter((name) => name.startsWith('state_'));
  const text = lines.map((name) => readFileSync(join(metadata, name), 'utf8')).join('');
  for (const name of lines) rmSync(join(metadata, name));
  writeFileSync(join(metadata, 'state_snapshot_compacted_epoch_0_5.meta'), text);
  for (const last of [4, 3, 2]) await prune(folder, { keep_last: last });
  const retired = join(folder, 'metadata_backup');
  const kept = readdirSync(retired).map((name) => readFileSync(join(retired, name), 'utf8'));
  for (const epoch of [1, 2, 3]) expect(kept.join('')).toContain(`"epoch":${epoch},`);
});

it.each(['DENIED', 'READ_ONLY', 'NO_SPACE'] as const)('a dry run goes on: %s', async (code) => {
  const copy = new StorageCopy(PLAIN);
  const { storage } = copy;
  storage.now = () => Promise.reject(new StorageError(code, '', 'nothing can be written'));
  const { kept } = await planPrune(storage, { dailyMs: 86_400_000 }, quiet);
  expect(kept).toEqual((await planPrune(copy.storage, { dailyMs: 86_400_000 }, quiet)).kept);
});
