/** Copies into a storage that has lost the data of backups, and kept their metadata lines. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readCatalog } from '../../../src/repository/catalog.js';
import { consolidate } from '../../support/consolidate.js';
import { copyAll } from '../../support/copy.js';
import { STOCK, StorageCopy } from '../../support/storage-copy.js';
import { committedFolders } from '../../support/upkeep.js';

const EPOCH_3 = 'state_epoch_3_ver_138.901c';
const at = (folder: string) => ({ local_fs_dir: folder });
const plain = () => new StorageCopy(join(STOCK, 'stock-plain'));

it('a backup of which the target has only a line left is copied again', async () => {
  const [s, to] = [plain(), new StorageCopy()];
  const ends = { from: at(s.folder), to: at(to.folder) };
  await copyAll(ends);
  rmSync(to.path(EPOCH_3), { recursive: true });
  rmSync(to.path('transaction_1-.a9e2/transaction.manifest'));
  expect(await copyAll(ends)).toMatchObject({ ok: true, transactions: 1, state_snapshots: 1 });
  committedFolders(to.folder);
  expect((await to.verify()).findings).toEqual([]);
  expect(await copyAll(ends)).toMatchObject({ ok: true, transactions: 0, files: 0 });
});

it('a batch of which the target has only a line left does not keep the small ones of the source away', async () => {
  const [s, to] = [plain(), new StorageCopy()];
  await copyAll({ from: at(s.folder), to: at(to.folder) });
  await consolidate(to.storage, { size: 200n });
  const batch = (await readCatalog(to.storage)).transactions.find(
    ({ firstVersion, lastVersion }) => firstVersion === 1n && lastVersion === 200n,
  )!;
  rmSync(to.path(batch.manifest.split('/')[0]!), { recursive: true });
  const again = await copyAll({ from: at(s.folder), to: at(to.folder) });
  expect(again).toMatchObject({ ok: true, transactions: 2 });
});
