/** Pages of a verification are bounded, however large a backup is, and together they cover everything. */
import { expect, it } from 'vitest';
import type { UnitSlice, VerifyCursor } from '../../src/contract/verification.js';
import { openStorage } from '../../src/storage/open.js';
import { nextTasks } from '../../src/verify/tasks.js';
import { WHOLE_STORAGE } from '../../src/verify/verify-storage.js';
import { storageFolder } from '../support/backup.js';
import { writeLargeSnapshot } from './large-snapshot.js';

const CHUNKS = 10_000;

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
