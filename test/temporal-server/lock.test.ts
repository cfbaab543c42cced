// One process at a time works on a data folder, and a dead one never blocks the rest.
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { withLock } from '../../src/temporal-server/lock.js';
import { temporaryFolder } from '../temporal/helpers.js';

test('work under the lock never overlaps, and the lock is gone afterwards', async () => {
  const path = join(temporaryFolder(), 'lock');
  let inside = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    most = Math.max(most, ++inside);
    await sleep(5);
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 10 }, () => withLock(path, work)));
  expect(most).toBe(1);
  expect(existsSync(path)).toBe(false);
});

test('the lock of a dead process is taken over, by one process at a time', async () => {
  const path = join(temporaryFolder(), 'lock');
  const { pid } = spawnSync('true');
  writeFileSync(path, `${pid} abc`);
  let inside = 0;
  const overlaps: number[] = [];
  const work = async (): Promise<void> => {
    overlaps.push(++inside);
    await sleep(20);
    inside -= 1;
  };
  await Promise.all([1, 2, 3].map(() => withLock(path, work)));
  expect(overlaps).toEqual([1, 1, 1]);
});

test('the lock of a living process is respected', async () => {
  const path = join(temporaryFolder(), 'lock');
  let released = false;
  const first = withLock(path, async () => {
    await sleep(300);
    released = true;
  });
  await withLock(path, () => Promise.resolve(expect(released).toBe(true)));
  await first;
});

test('an error under the lock frees it', async () => {
  const path = join(temporaryFolder(), 'lock');
  await expect(withLock(path, () => Promise.reject(new Error('inside')))).rejects.toThrow('inside');
  expect(existsSync(path)).toBe(false);
});
