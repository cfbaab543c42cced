/** The storage knows when it was verified, even if the server has forgotten all workflows. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readVerifiedTimes, rememberVerified } from '../../src/repository/verified-times.js';
import { withStored } from '../../src/client/last-verification.js';
import { verificationTooOld } from '../../src/monitor/verified-age.js';
import { timesOf } from '../../src/contract/verified.js';
import { openStorage } from '../../src/storage/open.js';
import { WHOLE_STORAGE, verifyStorage } from '../../src/verify/verify-storage.js';
import { backUp, devnode, storageFolder } from '../support/backup.js';
import { NOW, ago, liveStatus } from '../support/status.js';

const DAY = 86_400;
const read = (backups: number, of: number, since: number) => ({
  read_so_far: { backups, of_backups: of, bytes: 1, of_bytes: 1, since: ago(since) },
});

it('each time is kept by itself, the first one stays, and a damaged one counts as unknown', async () => {
  const folder = storageFolder();
  const storage = openStorage({ local_fs_dir: folder });
  expect(await readVerifiedTimes(storage)).toEqual({});
  await rememberVerified(storage, { first: 5, good: 5, whole: 5 });
  await rememberVerified(storage, { first: 9, failed: 9 });
  expect(await readVerifiedTimes(storage)).toEqual({ first: 5, good: 5, whole: 5, failed: 9 });
  const file = join(folder, 'aptos-backup', 'verified-whole.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace('"5"', '"6"'));
  expect(await readVerifiedTimes(storage)).toEqual({ first: 5, good: 5, failed: 9 });
});

it('a whole verification counts, a part alone does not, and parts that cover everything count since the oldest of them', async () => {
  const node = await devnode();
  const folder = storageFolder();
  await backUp({
    node: node.address,
    folder,
    target: { type: 'epoch_ending', start_epoch: 0, end_epoch: 4 },
  });
  const storage = { local_fs_dir: folder };
  const verify = (scope: object) =>
    verifyStorage(
      openStorage(storage),
      { storage, trustWaypoints: [] },
      { ...WHOLE_STORAGE, ...scope },
    );
  expect(timesOf(await verify({}), NOW)).toMatchObject({ first: NOW, good: NOW, whole: NOW });
  const part = { ok: true, complete: false };
  expect(timesOf({ ...part, ...read(3, 10, DAY) }, NOW)).toEqual({ first: NOW, good: NOW });
  const since = NOW - DAY * 1000;
  expect(timesOf({ ...part, ...read(10, 10, DAY) }, NOW)).toMatchObject({ whole: since });
  const nearly = timesOf({ ...part, ...read(98, 100, DAY) }, NOW);
  expect(nearly).toEqual({ first: NOW, good: NOW, rotated: since });
  expect(timesOf({ ok: false, complete: true, ...read(10, 10, 1) }, NOW)).toEqual({
    first: NOW,
    failed: NOW,
  });
});

it('the age of the last verification is judged once somebody verifies, or asks for a limit', () => {
  const told = (extra: object, asked = false) =>
    verificationTooOld(liveStatus({}, extra), { limit: 7 * DAY, asked, now: NOW });
  const verified = (times: object) => ({ verification: { running: false, ...times } });
  const schedule = (created: number) => ({
    schedules: [{ id: 'x/schedule/verify', paused: false, created_at: ago(created), missed: 0 }],
  });
  expect(told({})).toBeUndefined();
  expect(told({}, true)).toMatch(/proven the whole storage yet, for 11 days/);
  expect(told(schedule(6 * DAY))).toBeUndefined();
  expect(told(schedule(8 * DAY))).toMatch(/whole storage yet, for 8 days/);
  expect(told(verified({ whole_at: ago(6 * DAY) }))).toBeUndefined();
  expect(told(verified({ whole_at: ago(30 * DAY) }))).toMatch(/last verified 30 days ago, at 2025/);
  expect(told(verified({ whole_at: ago(30 * DAY), rotated_at: ago(DAY) }))).toBeUndefined();
  const parts = { first_at: ago(9 * DAY), started_at: ago(60), succeeded_at: ago(50) };
  expect(told(verified(parts))).toMatch(/whole storage yet, for 9 days/);
  expect(told(verified({ started_at: ago(60) }))).toBeUndefined();
});

it('times that the server has forgotten come from the storage, and newer ones stay', () => {
  expect(withStored(undefined, undefined)).toBeUndefined();
  const stored = { first: NOW - 9_000, good: NOW - 5_000, whole: NOW - 5_000, failed: NOW - 7_000 };
  expect(withStored(undefined, stored)).toEqual({
    ...{
      running: false,
      first_at: ago(9),
      succeeded_at: ago(5),
      whole_at: ago(5),
      failed_at: ago(7),
    },
  });
  const known = { running: true, succeeded_at: ago(1) };
  expect(withStored(known, stored)).toMatchObject({ running: true, succeeded_at: ago(1) });
});
