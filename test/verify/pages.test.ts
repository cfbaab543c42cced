/** Pages of a verification are bounded, however large a backup is, and together they cover everything. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { UnitSlice, VerifyCursor } from '../../src/contract/verification.js';
import { openStorage } from '../../src/storage/open.js';
import { nextTasks } from '../../src/verify/tasks.js';
import { WHOLE_STORAGE } from '../../src/verify/verify-storage.js';
import { storageFolder } from '../support/backup.js';
import { consolidate } from '../support/consolidate.js';
import { StorageCopy } from '../support/storage-copy.js';
import { writeLargeSnapshot } from './large-snapshot.js';

const CHUNKS = 10_000;
const STOCK = fileURLToPath(new URL('../fixtures/stock/stock-plain', import.meta.url));
const SMALL = fileURLToPath(new URL('../fixtures/stock-batches/small', import.meta.url));

it('a snapshot of ten thousand chunks is verified page by page', async () => {
  const folder = storageFolder();
  writeLargeSnapshot(folder, CHUNKS);
  const slices: UnitSlice[] = [];
  let cursor: VerifyCursor | undefined;
  let pages = 0;
  do {
    const page = await nextTasks(openStorage({ local_fs_dir: folder }), WHOLE_STORAGE, cursor);
    expect(JSON.stringify(page).length).toBeLessThan(100_000);
    slices.push(...page.tasks.flatMap((task) => ('slice' in task ? task.slice : [])));
    cursor = page.next;
    pages += 1;
  } while (cursor);
  expect(pages).toBeGreaterThan(50);
  let next = 0;
  for (const { from, to, of } of slices) {
    expect([from, of]).toEqual([next, CHUNKS]);
    next = to;
  }
  expect(next).toBe(CHUNKS);
});

it('the first page says how many records there are, and each task how many it has', async () => {
  const storage = openStorage({ local_fs_dir: STOCK });
  const { tasks, total, next } = await nextTasks(storage, WHOLE_STORAGE, undefined);
  expect(next).toBeUndefined();
  const records = tasks.map((task) => (task.kind === 'epoch_endings' ? 0 : task.records!));
  expect(records.reduce((sum, count) => sum + count, 0)).toBe(total);
  // 251 transactions, and snapshots of 252 and 300 items.
  expect(total).toBe(803);
});

it('a page goes on with the full batch that a consolidation made of the one at its cursor', async () => {
  const copy = new StorageCopy(SMALL);
  const manifest = 'transaction_301-.6b85/transaction.manifest';
  await consolidate(copy.storage, { size: 800n });
  const cursor = { kind: 'transactions', first: '301', manifest, from: 0, of: 2 } as const;
  const { tasks } = await nextTasks(copy.storage, WHOLE_STORAGE, cursor);
  expect(tasks).toMatchObject([{ slices: [{ first: '1', last: '800', from: 0 }] }]);
});
