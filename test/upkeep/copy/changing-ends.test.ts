/** Copies between storages of which each is kept in order by itself: consolidated, pruned, or in the middle of a gc. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readCatalog } from '../../../src/repository/catalog.js';
import { withCommitLock } from '../../../src/repository/commit-lock.js';
import { prunedSpans } from '../../../src/repository/pruned.js';
import { abandonUnit } from '../../../src/repository/unit-folder.js';
import { createBatchHasher } from '../../../src/aptos/index.js';
import { openBackend } from '../../../src/storage/registry.js';
import { StorageError } from '../../../src/storage/storage-error.js';
import { BackupStorage } from '../../../src/storage/storage.js';
import { settleSwaps } from '../../../src/upkeep/consolidate/plan-groups.js';
import { commitCopies } from '../../../src/upkeep/copy/commit-copies.js';
import { copiedOf } from '../../../src/upkeep/copy/copied.js';
import { planCopyPage } from '../../../src/upkeep/copy/copy-plan.js';
import { copySlices } from '../../../src/upkeep/copy/copy-task.js';
import { keepBackup } from '../../../src/upkeep/retention/pins.js';
import { readChain } from '../../../src/verify/read-chain.js';
import { hooked } from '../compaction/hooked.js';
import { consolidate } from '../../support/consolidate.js';
import { copyAll } from '../../support/copy.js';
import { DyingBackend } from '../../support/dying-backend.js';
import { STOCK, StorageCopy } from '../../support/storage-copy.js';
import { until } from '../../support/until.js';
import { committedFolders, prune, upkeepTools } from '../../support/upkeep.js';

const hasher = createBatchHasher();
const EPOCH_3 = 'state_epoch_3_ver_138.901c';
const at = (folder: string) => ({ local_fs_dir: folder });
const plain = () => new StorageCopy(join(STOCK, 'stock-plain'));
const small = () => new StorageCopy(join(STOCK, '..', 'stock-batches', 'small'));

const rangesOf = async (copy: StorageCopy) =>
  (await readCatalog(copy.storage)).transactions.map((t) => [t.firstVersion, t.lastVersion]);

it('a batch that the source consolidated takes the place of the small ones that the target has of it', async () => {
  const [s, to] = [small(), new StorageCopy()];
  const ends = { from: at(s.folder), to: at(to.folder) };
  await copyAll({ ...ends, versions: '0-400' });
  await keepBackup('transaction_0-.665f', undefined, upkeepTools(to.storage)); // no part of it
  await consolidate(s.storage, { size: 800n });
  expect(await copyAll(ends)).toMatchObject({ ok: true, skipped: [], transactions: 1 });
  expect(await rangesOf(to)).toEqual([
    [0n, 0n],
    [1n, 800n],
  ]);
  expect((await to.verify()).findings).toEqual([]);
  expect(await copyAll(ends)).toMatchObject({ ok: true, transactions: 0, files: 0 });
});

it('small ones of which one is pinned in the target stay, and that is told', async () => {
  const [s, to] = [small(), new StorageCopy()];
  const ends = { from: at(s.folder), to: at(to.folder) };
  await copyAll({ ...ends, versions: '0-400' });
  await keepBackup('transaction_201-.93aa', undefined, upkeepTools(to.storage));
  await consolidate(s.storage, { size: 800n });
  const { ok, skipped } = await copyAll(ends);
  expect({ ok, skipped }).toMatchObject({ ok: false, skipped: [{ code: 'OVERLAP' }] });
  expect(await rangesOf(to)).toHaveLength(5);
});

it('small ones that nobody may delete in the target stay, that is told, and all else is copied', async () => {
  const [s, begun] = [plain(), new StorageCopy()];
  await copyAll({ from: at(s.folder), to: at(begun.folder), versions: '0-100' });
  await consolidate(s.storage, { size: 200n });
  const to = hooked(begun.folder, (what, handle, change) =>
    what === 'remove' && handle.startsWith('metadata/')
      ? Promise.reject(new StorageError('DENIED', handle, 'deletes are denied'))
      : change(),
  );
  const page = await copied(s.storage, to);
  expect(page.units.map(({ first }) => first)).toEqual(expect.arrayContaining(['1', '201']));
  const outcomes = await commit(s.storage, to, page);
  const told = page.units.map(({ first, type }, i) => [type, first, outcomes[i]]);
  const denied = expect.stringContaining('deletes are denied') as string;
  expect(told.filter(([, , outcome]) => outcome !== 'committed')).toMatchObject([
    ['transaction', '1', { skipped: { code: 'OVERLAP', why: denied } }],
  ]);
  expect(await rangesOf(begun)).toEqual([
    [0n, 0n],
    [1n, 100n],
    [201n, 250n],
  ]);
});

it('of a source that has small backups beside their full one, the full one is copied, and nothing is skipped', async () => {
  const [s, to] = [plain(), new StorageCopy()];
  await consolidate(s.storage, { size: 200n });
  for (const name of ['transaction_1-100.meta', 'transaction_101-200.meta']) {
    s.copyFrom(s.path(`metadata_backup/${name}`), `metadata/${name}`);
  }
  const result = await copyAll({ from: at(s.folder), to: at(to.folder) });
  expect(result).toMatchObject({ ok: true, skipped: [] });
  expect(await rangesOf(to)).toEqual([
    [0n, 0n],
    [1n, 200n],
    [201n, 250n],
  ]);
});

/** Copies all chunks of what the target lacks, and returns what is to be committed. */
async function copied(from: BackupStorage, to: BackupStorage) {
  const settings = { from: at('/not/used'), to: at('/not/used'), trustWaypoints: [] };
  const ends = { from, to };
  const page = await planCopyPage({ ends, ...waiting() }, settings, {});
  expect(page.skipped).toEqual([]);
  const checks = { storage: from, hasher, onProgress: () => undefined };
  const { chain } = await readChain(checks, { storage: settings.from, trustWaypoints: [] });
  const tools = { ends, hasher, chain, onProgress: () => undefined };
  for (const task of page.tasks) await copySlices(tools, page.units, task);
  return page;
}

const commit = (
  from: BackupStorage,
  to: BackupStorage,
  { units, frozen }: Awaited<ReturnType<typeof copied>>,
) =>
  commitCopies(
    {
      ...{ ends: { from, to }, genesis: frozen.genesis },
      ...waiting(),
    },
    units,
  );

const waiting = () => ({
  holder: { owner: 'o', host: 'here', workflow: 'copy' },
  signal: AbortSignal.timeout(100_000),
  report: () => undefined,
});

it('a kill at any change of that exchange leaves the target whole, and the next copy ends it', async () => {
  const [s, begun] = [small(), new StorageCopy()];
  await copyAll({ from: at(s.folder), to: at(begun.folder), versions: '0-400' });
  await consolidate(s.storage, { size: 800n });
  const page = await copied(s.storage, begun.storage);
  let kills = 0;
  for (let change = 1, done = false; !done; change += 1) {
    for (const made of [false, true]) {
      const to = new StorageCopy(begun.folder);
      const dying = new DyingBackend(openBackend(at(to.folder)), change, made);
      await commit(s.storage, new BackupStorage(dying.open()), page).catch(() => undefined);
      done = !dying.isDead;
      if (done) break;
      kills += 1;
      committedFolders(to.folder);
      expect(await holesIn(to), `after a kill at change ${change}`).toEqual([]);
      const rest = await copied(s.storage, to.storage);
      if (rest.units.length > 0) await commit(s.storage, to.storage, rest);
      committedFolders(to.folder);
      expect((await rangesOf(to)).at(-1)).toEqual([1n, 800n]);
    }
  }
  expect(kills).toBeGreaterThan(40);
}, 600_000);

it('a kill at any change of an exchange for a single small one leaves a target that can be consolidated', async () => {
  const [s, begun] = [plain(), new StorageCopy()];
  await copyAll({ from: at(s.folder), to: at(begun.folder), versions: '0-100' });
  await consolidate(s.storage, { size: 200n });
  const page = await copied(s.storage, begun.storage);
  let kills = 0;
  for (let change = 1, done = false; !done; change += 1) {
    const to = new StorageCopy(begun.folder);
    const dying = new DyingBackend(openBackend(at(to.folder)), change, true);
    await commit(s.storage, new BackupStorage(dying.open()), page).catch(() => undefined);
    done = !dying.isDead;
    kills += done ? 0 : 1;
    await settleSwaps(to.storage, waiting()); // as a consolidation begins
    committedFolders(to.folder);
    expect(await holesIn(to), `after a kill at change ${change}`).toEqual([]);
  }
  expect(kills).toBeGreaterThan(10);
}, 600_000);

it('an exchange that broke off when the target had less of the batch hinders no later one', async () => {
  const [s, to] = [plain(), new StorageCopy()];
  await copyAll({ from: at(s.folder), to: at(to.folder), versions: '0-100' });
  const left = 'metadata/transaction_consolidating_1-200.meta';
  to.copyFrom(to.path('metadata/transaction_1-100.meta'), left); // as a kill leaves it
  await copyAll({ from: at(s.folder), to: at(to.folder) });
  const { outcomes } = await consolidate(to.storage, { size: 200n });
  expect(outcomes).toMatchObject([{ status: 'committed', backups: 2 }]);
  expect(to.has(left)).toBe(false);
  expect(await rangesOf(to)).toEqual([
    [0n, 0n],
    [1n, 200n],
    [201n, 250n],
  ]);
  committedFolders(to.folder);
});

/** Where the backups of transactions do not follow each other. */
async function holesIn(copy: StorageCopy): Promise<unknown[]> {
  const ranges = await rangesOf(copy);
  return ranges.filter(([first], i) => first !== (i === 0 ? 0n : ranges[i - 1]![1]! + 1n));
}

it('a folder of the target that a gc has begun to remove is not committed', async () => {
  const [s, to] = [plain(), new StorageCopy()];
  const ends = { from: at(s.folder), to: at(to.folder) };
  const { skipped } = await copyAll(ends, {
    async beforeCommit() {
      if (to.has(`${EPOCH_3}/state.proof`)) await abandonUnit(to.storage, EPOCH_3, 'a gc begins');
    },
  });
  expect(skipped).toMatchObject([{ object: `${EPOCH_3}/`, code: 'OVERLAP' }]);
  expect(committedFolders(to.folder)).not.toContain(EPOCH_3);
});

it('what keep rules of the target gave up stays away, and is no lag', async () => {
  const [s, to] = [plain(), new StorageCopy()];
  const ends = { from: at(s.folder), to: at(to.folder) };
  await copyAll(ends);
  expect(await prune(to.folder, { keep_last: 1, force: true })).toBe(1);
  expect(await copyAll(ends)).toMatchObject({ ok: true, state_snapshots: 0, files: 0 });
  const { has } = await copiedOf({ from: s.storage, to: to.storage }, true);
  expect(has.snapshots).toContain('5');
  expect((await readCatalog(to.storage)).snapshots).toHaveLength(1);
});

it('a copy of an archive that gave up its beginning is as whole as the source', async () => {
  const [s, to] = [plain(), new StorageCopy()];
  await prune(s.folder, { transactions_from: 150, force: true });
  await copyAll({ from: at(s.folder), to: at(to.folder) });
  expect((await to.verify()).missing).toEqual((await s.verify()).missing);
});

it('what the source gave up is noted under the commit lock, because a prune of the copy notes in the same file', async () => {
  const [s, to] = [plain(), new StorageCopy()];
  await prune(s.folder, { transactions_from: 150, force: true });
  await copyAll({ from: at(s.folder), to: at(to.folder), versions: '240-250' });
  const settings = { from: at('/not/used'), to: at('/not/used'), trustWaypoints: [] };
  const told: string[] = [];
  const tools = { ...waiting(), report: (phase: string) => void told.push(phase) };
  const pruner = { owner: 'p', host: 'here', workflow: 'prune' };
  const { planning } = await withCommitLock(to.storage, pruner, waiting(), async () => {
    const ends = { from: s.storage, to: to.storage };
    const plan = planCopyPage({ ends, ...tools }, settings, {});
    await until('it waits', () => told.some((phase) => phase.includes('the commit lock')));
    expect(await prunedSpans(to.storage)).toMatchObject({ versions: [] });
    return { planning: plan };
  });
  await planning;
  expect(await prunedSpans(to.storage)).toMatchObject({ versions: [{ first: 0n, last: 100n }] });
});

it('a backup that is pinned below what the source gave up is copied, and what is not there is not missed', async () => {
  const [s, to] = [plain(), new StorageCopy()];
  await keepBackup('transaction_1-.a9e2', undefined, upkeepTools(s.storage));
  expect(await prune(s.folder, { transactions_from: 201, force: true })).toBe(2);
  const ends = { from: at(s.folder), to: at(to.folder) };
  expect(await copyAll(ends)).toMatchObject({ ok: true, transactions: 2 });
  const left = [
    [1n, 100n],
    [201n, 250n],
  ];
  expect(await rangesOf(to)).toEqual(left);
  expect(await prunedSpans(to.storage)).toMatchObject({ versions: [{ first: 0n, last: 200n }] });
  expect(await copyAll(ends)).toMatchObject({ ok: true, transactions: 0, files: 0 });

  // What the copy gave up itself does not come back.
  expect(await prune(to.folder, { transactions_from: 201, force: true })).toBe(1);
  expect(await copyAll(ends)).toMatchObject({ ok: true, transactions: 0, files: 0 });
  expect(await rangesOf(to)).toEqual(left.slice(1));
});
