/** What a verification covers, what it skips, and what it must never do. */
import { existsSync, readdirSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { describeCoverage } from '../../src/cli/print-coverage.js';
import type { VerifyScope } from '../../src/contract/verification.js';
import { StorageError } from '../../src/storage/storage-error.js';
import { openStorage } from '../../src/storage/open.js';
import { withoutInode } from '../../src/storage/backend.js';
import { WHOLE_STORAGE, verifyStorage } from '../../src/verify/verify-storage.js';
import { storageFolder } from '../support/backup.js';
import { STOCK, StorageCopy } from '../support/storage-copy.js';
import { Subject, unsign } from './damages/subject.js';

const stock = () => new Subject(join(STOCK, 'stock-plain'));
const EPOCH_3 = '138:5b48f43eca871f8b772665bf875307b6d121880455ab6c03c9fcbae7b2842204';

it('a backup that was proven before and is unchanged is skipped, unless it is asked for', async () => {
  const s = stock();
  const whole = await s.verify();
  expect(whole.checked.proven_before).toBe(0);
  const second = await s.verify();
  expect(second).toMatchObject({ ok: true, transactions: whole.transactions });
  expect(second.state_snapshots).toEqual(whole.state_snapshots);
  expect(second.checked.records).toBe(whole.checked.records);
  // The epoch endings are read each time: they prove the rest.
  expect(second.checked.bytes).toBeLessThan(whole.checked.bytes / 10);
  const again = await s.verify([], { again: true });
  expect(again.checked).toEqual(whole.checked);
});

it('a file that was changed, but has the same size and times, is read again', async () => {
  const s = stock();
  await s.verify();
  const file = s.path(s.blobs(1));
  const { atime, mtime, size } = statSync(file);
  s.flip(s.blobs(1));
  utimesSync(file, atime, mtime);
  expect(statSync(file)).toMatchObject({ mtime, size });
  const coverage = await s.verify();
  expect(coverage.findings).toMatchObject([{ object: s.blobs(1), code: 'DAMAGED' }]);
  expect(coverage.state_snapshots.map(({ epoch }) => epoch)).toEqual(['3']);
  expect(coverage.checked.proven_before).toBeGreaterThan(20);
});

it('damage that the file system does not show is reported until it is repaired, once it was found', async () => {
  const s = stock();
  const storage = openStorage({ local_fs_dir: s.folder });
  const statOf = storage.stat.bind(storage);
  const stat = vi.spyOn(storage, 'stat').mockImplementation(async (handle) => {
    const { bytes } = (await statOf(handle))!;
    return { bytes, stamp: 'as ever' };
  });
  const settings = { storage: { local_fs_dir: s.folder }, trustWaypoints: [] };
  const verify = (again: boolean) => verifyStorage(storage, settings, { ...WHOLE_STORAGE, again });
  expect(await verify(false)).toMatchObject({ ok: true });
  s.flip(s.blobs(1));
  expect(await verify(false)).toMatchObject({ ok: true }); // as it was proven, says the store
  const damaged = { findings: [{ object: s.blobs(1), code: 'DAMAGED' }] };
  expect(await verify(true)).toMatchObject(damaged);
  expect(await verify(false)).toMatchObject(damaged);
  s.flip(s.blobs(1));
  expect(await verify(false)).toMatchObject({ ok: true });
  expect(stat).toHaveBeenCalled();
});

it('a damaged record of an earlier proof is ignored and is no damage of the backup', async () => {
  const s = stock();
  const whole = await s.verify();
  const records = s.files().filter((name) => /\/verified-\d+-\d+\.json$/.test(name));
  expect(records.length).toBeGreaterThan(5);
  for (const damage of [
    (text: string) =>
      text.replace(
        /(inFrontier\\?":\\?")(.)/,
        (_, name, digit) => name + (digit === '0' ? '1' : '0'),
      ),
    (text: string) => text.replace(/(records\\?":)\d+/, '$17'),
    (text: string) => text.replace(/(proven\\?":\\?")signed/, '$1not yet proven'),
    (text: string) => text.replace(/,"digest":"\w+"/, ''),
    (text: string) => text.padEnd(2_000_000),
  ]) {
    for (const record of records) s.write(record, damage(s.read(record).toString()));
    const coverage = await s.verify();
    expect(coverage).toMatchObject({ ok: true, findings: [], transactions: whole.transactions });
    expect(coverage.state_snapshots).toEqual(whole.state_snapshots);
    expect(coverage.checked.records).toBe(whole.checked.records);
  }
});

it('a backup that was proven with other trusted waypoints is proven again', async () => {
  const s = stock();
  const whole = await s.verify();
  const trusting = await s.verify([EPOCH_3]);
  expect(trusting.genesis_confirmed).toBe(true);
  const read_again = { trust: expect.any(Number) as number };
  expect(trusting.checked).toEqual({ ...whole.checked, read_again });
});

it('a trusted waypoint of another chain makes the epoch ending damaged', async () => {
  const s = stock();
  const coverage = await s.verify([`138:${'ab'.repeat(32)}`]);
  expect(coverage.ok).toBe(false);
  expect(coverage.findings[0]).toMatchObject({ object: s.epochChunk(0) });
  expect(coverage.findings[0]!.why).toMatch(/Waypoints don't match/);
});

it('the parts of a sample are different, and together they cover everything', async () => {
  const seen: string[] = [];
  for (const part of [1, 2, 3]) {
    const coverage = await stock().verify([], { sample: { part, of: 3 } });
    expect(coverage).toMatchObject({ ok: true, complete: false });
    seen.push(...coverage.transactions.map(({ first, last }) => `${first}-${last}`));
    seen.push(...coverage.state_snapshots.map(({ epoch }) => `epoch ${epoch}`));
  }
  const covered = seen.filter((span) => span.startsWith('epoch'));
  expect(covered.sort()).toEqual(['epoch 3', 'epoch 5']);
  const versions = seen
    .filter((span) => !span.startsWith('epoch'))
    .map((span) => span.split('-').map(Number) as [number, number])
    .reduce((sum, [first, last]) => sum + last - first + 1, 0);
  expect(versions).toBe(251);
});

it.each<[string, Partial<VerifyScope>, RegExp]>([
  [
    'from a version behind the last',
    { startVersion: '5000000' },
    /no transactions from version 5000000 on/,
  ],
  [
    'a range behind the last',
    { startVersion: '251', endVersion: '300' },
    /from version 251 to 300/,
  ],
  [
    'no snapshot so low',
    { snapshots: 'newest', snapshotBefore: '5' },
    /no state snapshot up to version 5.*it has .*transactions 0 to 250; state snapshots of versions 138, 240/,
  ],
  ['no snapshot so low of all', { snapshotBefore: '137' }, /no state snapshot up to version 137/],
  ['a part without backups', { sample: { part: 999, of: 9999 } }, /too few for so many parts/],
])(
  'a verification that finds nothing of what was asked for fails and says what the storage has: %s',
  async (_, scope, why) => {
    await expect(stock().verify([], scope)).rejects.toThrow(why);
  },
);

it('a verification of epoch endings alone, asked for as the stock tool does it, succeeds', async () => {
  const alone = { startVersion: `${2n ** 64n - 1n}`, snapshots: 'none' } as const;
  expect(await stock().verify([], alone)).toMatchObject({ ok: true, complete: false });
});

it('a backup that cannot be used counts as missing, whether a metadata line names it or not', async () => {
  const s = stock();
  s.remove(s.transactions);
  s.flip(s.blobs(1));
  expect(await s.verify()).toMatchObject({
    ok: false,
    missing: {
      epoch_endings: [],
      transactions: [{ first: '101', last: '200' }],
      state_snapshots: [{ epoch: '5', version: '240' }],
    },
    missing_count: 2,
    restorable_by_stock: { yes: false },
  });
  for (const file of s.files()) if (/^metadata\/epoch_ending/.test(file)) s.remove(file);
  const { missing, restorable_by_stock: stockRestores } = await s.verify();
  expect(missing.epoch_endings[0]!.first).toBe('0');
  expect(BigInt(missing.epoch_endings.at(-1)!.last)).toBeGreaterThanOrEqual(3n);
  expect(stockRestores.why).toContain('there are no epoch endings');
});

it('the last epoch endings count as missing when snapshots and transactions name them', async () => {
  const s = stock();
  await s.verify();
  s.remove(s.metadata('epoch_ending_3-'));
  const { ok, missing } = await s.verify();
  expect(ok).toBe(false);
  expect(missing.epoch_endings).toEqual([{ first: '3', last: '5' }]);
});

it('all epoch endings count as missing when only snapshots are left to name them', async () => {
  const s = stock();
  for (const file of s.files()) {
    if (/^metadata\/(epoch_ending|transaction)/.test(file)) s.remove(file);
  }
  const { ok, missing } = await s.verify();
  expect(ok).toBe(false);
  expect(missing.epoch_endings).toEqual([{ first: '0', last: '5' }]);
});

it('a committed folder without a line is an orphan while other backups have its range, and otherwise a finding', async () => {
  const s = stock();
  s.copy('transaction_101-.7134', 'transaction_101-.aaaa');
  s.write('transaction_101-.aaaa/committed.json', '{"committed":1,"metadata":"metadata/x.meta"}\n');
  expect(await s.verify()).toMatchObject({ ok: true, orphans: ['transaction_101-.aaaa/'] });
  s.flip(s.chunkOf(1));
  const { findings } = await s.verify();
  expect(findings.map(({ object }) => object).sort()).toEqual([
    s.chunkOf(1),
    'transaction_101-.aaaa/transaction.manifest',
  ]);
});

it('if files have other inode numbers each time, nothing is skipped, and the coverage says why', async () => {
  const s = stock();
  const { storage } = s;
  const statOf = storage.stat.bind(storage);
  let looks = 0;
  Object.assign(storage, {
    stat: async (handle: string) => {
      looks += 1;
      const { bytes, stamp } = (await statOf(handle))!;
      return { bytes, stamp: `${withoutInode(stamp)} ${looks}` };
    },
  });
  const settings = { storage: { local_fs_dir: s.folder }, trustWaypoints: [] };
  const first = await verifyStorage(storage, settings);
  expect(first.checked.read_again).toEqual({});
  const second = await verifyStorage(storage, settings);
  expect(second.checked).toMatchObject({ proven_before: 0, objects: first.checked.objects });
  expect(second.checked.read_again).toEqual({ inodes: expect.any(Number) as number });
  expect(second.checked.read_again.inodes).toBeGreaterThan(100);
  expect(describeCoverage(second).join('\n')).toMatch(
    /not skipped +\d+ objects have new inode numbers/,
  );
  // Each was read anyway, and the coverage says so.
  expect(second.read_so_far).toMatchObject({ backups: 6, of_backups: 6 });
});

it('the words of a verification claim no more than it knows', async () => {
  const whole = await stock().verify();
  const wordsOf = (more: Partial<typeof whole>) => describeCoverage({ ...whole, ...more });
  expect(wordsOf({})[0]).toBe(`Verified: ${whole.storage}`);
  expect(wordsOf({}).join('\n')).toMatch(/read so far +6 of 6 backups/);

  // Without transactions and snapshots, all that is stored is proven, but it is no backup of the chain.
  const none = { backups: 0, of_backups: 0, bytes: 0, of_bytes: 0, since: undefined };
  const nothing = { ...whole.restorable_by_stock, yes: false };
  const early = wordsOf({ restorable_by_stock: nothing, read_so_far: none });
  expect(early[0]).toBe(`Verified: ${whole.storage}, but nothing can be restored from it yet`);
  expect(early.join('\n')).not.toContain('read so far');

  // What was read could not be noted, as in a folder that may only be read.
  const checked = { ...whole.checked, read_again: { unwritable: 9 } };
  const unread = { ...whole.read_so_far, backups: 0, bytes: 0, since: undefined };
  expect(wordsOf({ checked, read_so_far: unread }).join('\n')).toMatch(/read so far +not known: /);
  expect(wordsOf({ checked }).join('\n')).toMatch(/6 of 6 backups.*; what was read now could not/);
});

it('a verification can cover a range of versions, and the newest snapshot or none', async () => {
  const s = stock();
  const range = await s.verify([], { startVersion: '101', endVersion: '150', snapshots: 'none' });
  expect(range).toMatchObject({ ok: true, complete: false, state_snapshots: [] });
  expect(range.transactions).toMatchObject([{ first: '101', last: '200', proven: 'signed' }]);
  const newest = await s.verify([], { snapshots: 'newest' });
  expect(newest.state_snapshots).toMatchObject([{ epoch: '5', version: '240', proven: 'signed' }]);
  const before = await s.verify([], { snapshots: 'newest', snapshotBefore: '239' });
  expect(before.state_snapshots).toMatchObject([{ epoch: '3' }]);
  // Scripts for the stock tool leave out snapshots so.
  const without = await s.verify([], { snapshotBefore: '0' });
  expect(without).toMatchObject({ ok: true, complete: false, state_snapshots: [] });
  await expect(s.verify([], { snapshotBefore: '1' })).rejects.toThrow(
    /has no state snapshot up to/,
  );
});

it('unsigned history is proven by the history that follows it, up to a trusted waypoint', async () => {
  const s = stock();
  for (const file of s.files().filter((name) => name.startsWith('transaction_'))) {
    if (!file.endsWith('.proof') || Number(/-(\d+)\.proof/.exec(file)![1]) > 138) continue;
    if (!file.endsWith('/0-0.proof')) s.edit(file, unsign);
  }
  const trusting = await s.verify([EPOCH_3]);
  expect(trusting.findings).toEqual([]);
  expect(trusting.transactions).toMatchObject([{ first: '0', last: '250' }]);
  expect(trusting.transactions[0]!.proven).not.toBe('not yet proven');
  const blind = await s.verify();
  expect(blind.ok).toBe(false);
  expect(blind.findings[0]!.why).toMatch(/--trust-waypoint/);
});

it('unsigned history that nothing follows is not proven', async () => {
  const s = stock();
  for (const file of s.files().filter((name) => /^transaction_201.*\.proof$/.test(name))) {
    s.edit(file, unsign);
  }
  const coverage = await s.verify([`9000000:${'ab'.repeat(32)}`]);
  expect(coverage.transactions).toMatchObject([
    { first: '0', last: '200', proven: 'signed' },
    { first: '201', last: '250', proven: 'not yet proven' },
  ]);
  expect(coverage.findings).toMatchObject([{ code: 'UNPROVEN' }]);
});

it('unsigned history is no damage if the scope leaves out its proof', async () => {
  const s = stock();
  for (const file of s.files().filter((name) => /^transaction_101.*\.proof$/.test(name))) {
    s.edit(file, unsign);
  }
  const trusted = [`9000000:${'ab'.repeat(32)}`];
  const coverage = await s.verify(trusted, { startVersion: '101', endVersion: '200' });
  expect(coverage).toMatchObject({ ok: true, complete: false });
  expect(coverage.transactions).toMatchObject([{ first: '101', proven: 'not yet proven' }]);
});

it('unfinished folders and stray files are reported as orphans and are no damage', async () => {
  const s = stock();
  s.write('transaction_0-.b2a3/stray', 'x');
  s.copy('state_epoch_3_ver_138.901c', 'state_epoch_4_ver_191.0000', ['0-.chunk', '0-22.proof']);
  // A second backup of the same range. The first one kept out its line.
  s.copy('transaction_101-.7134', 'transaction_101-.aaaa');
  const coverage = await s.verify();
  expect(coverage).toMatchObject({ ok: true, orphan_count: 3 });
  expect(coverage.orphans.sort()).toEqual([
    'state_epoch_4_ver_191.0000/',
    'transaction_0-.b2a3/stray',
    'transaction_101-.aaaa/',
  ]);
});

it('one damaged metadata file does not hide other findings', async () => {
  const s = stock();
  s.edit(s.transactionLine, (bytes) => bytes.subarray(0, 50));
  const coverage = await s.verify();
  expect(coverage.missing.transactions).toEqual([{ first: '101', last: '200' }]);
  expect(coverage.transactions.map(({ first, last }) => [first, last])).toEqual([
    ['0', '100'],
    ['201', '250'],
  ]);
  expect(coverage.state_snapshots).toHaveLength(2);
});

it('metadata that the stock tool has compacted is read', async () => {
  const s = new StorageCopy(join(STOCK, 'stock-plain'));
  s.remove('metadata');
  s.copyFrom(join(STOCK, 'stock-compacted', 'after-run3', 'metadata'), 'metadata');
  expect(await s.verify()).toMatchObject({ ok: true, restorable_by_stock: { yes: true } });
});

it('a storage that cannot be written to is verified too', async () => {
  const s = new StorageCopy(join(STOCK, 'stock-continuous'));
  const before = s.files();
  const readOnly = new StorageError('READ_ONLY', '', 'read-only file system');
  const refuse = () => Promise.reject(readOnly);
  const storage = Object.assign(s.storage, { createFile: refuse, createBackup: refuse });
  const settings = { storage: { local_fs_dir: s.folder }, trustWaypoints: [] };
  const coverage = await verifyStorage(storage, settings);
  expect(coverage).toMatchObject({ ok: true });
  expect(coverage.checked.read_again.unwritable).toBeGreaterThan(10);
  expect(s.files()).toEqual(before);
});

it('an empty or mistyped storage is an error, and nothing is written to it', async () => {
  const folder = storageFolder();
  const verify = (dir: string) => {
    const storage = { local_fs_dir: dir };
    return verifyStorage(openStorage(storage), { storage, trustWaypoints: [] });
  };
  await expect(verify(folder)).rejects.toThrow(/holds no backups/);
  expect(readdirSync(folder)).toEqual([]);
  const mistyped = join(folder, 'bakcups');
  await expect(verify(mistyped)).rejects.toThrow(/bakcups/);
  expect(existsSync(mistyped)).toBe(false);
});

it('an empty listing of a storage that was used does not count as an empty storage', async () => {
  const s = stock();
  for (const file of s.files().filter((name) => name.startsWith('metadata/'))) {
    if (file !== 'metadata/identity.meta') s.remove(file);
  }
  await expect(s.verify()).rejects.toThrow(/holds no backups/);
});
