/** Copies between storages on files, without Temporal: what arrives, what is read, and what is skipped. */
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { CopyInput } from '../../../src/contract/copy-input.js';
import { readCatalog } from '../../../src/repository/catalog.js';
import { openStorage } from '../../../src/storage/open.js';
import { BackupStorage } from '../../../src/storage/storage.js';
import { backUp, devnode, storageFolder } from '../../support/backup.js';
import { consolidate } from '../../support/consolidate.js';
import { copyAll } from '../../support/copy.js';
import { STOCK, StorageCopy } from '../../support/storage-copy.js';

const source = (name = 'stock-plain') => new StorageCopy(join(STOCK, name));
const at = (folder: string) => ({ local_fs_dir: folder });
/** The files of backups, by which two repositories are compared. */
const ofBackups = (files: string[]) =>
  files.filter(
    (name) => /\.(chunk|proof|manifest)$/.test(name) || /^metadata\/(?!identity)/.test(name),
  );

function copyOf(folder: string): StorageCopy {
  return Object.assign(Object.create(StorageCopy.prototype) as StorageCopy, { folder });
}

it('everything is copied byte for byte, and the copy is as proven as the source', async () => {
  const [s, to] = [source(), copyOf(storageFolder())];
  const result = await copyAll({ from: at(s.folder), to: at(to.folder) });
  expect(result).toMatchObject({ ok: true, skipped: [], already_there: 0, kept: 0 });
  expect(ofBackups(to.files())).toEqual(ofBackups(s.files()));
  for (const name of ofBackups(s.files())) expect(to.read(name)).toEqual(s.read(name));
  // It is another repository.
  expect(to.read('metadata/identity.meta')).not.toEqual(s.read('metadata/identity.meta'));
  expect(to.files().filter((name) => name.endsWith('.copied'))).toEqual([]);
  const [before, after] = [await s.verify(), await to.verify()];
  for (const field of ['ok', 'epoch_endings', 'transactions', 'state_snapshots'] as const) {
    expect(after[field]).toEqual(before[field]);
  }
  expect(after.orphans).toEqual([]);
});

it('a second copy reads only metadata of what the target has, and then all of what is new', async () => {
  const [whole, s, to] = [source(), source(), copyOf(storageFolder())];
  const newest = s.metadata('transaction_201');
  s.remove(newest);
  const ends = { from: at(s.folder), to: at(to.folder) };
  const first = await copyAll(ends);
  // Who reads any of it again cannot do without it.
  const gone = s.files().filter((name) => !name.startsWith('metadata/') && !/^epoch/.test(name));
  for (const name of gone) s.remove(name);
  const all = first.epoch_endings + first.transactions + first.state_snapshots;
  expect(await copyAll(ends)).toMatchObject({ ok: true, already_there: all, files: 0, bytes: 0 });
  const added = whole.manifestOf(newest).split('/')[0]!;
  s.copyFrom(whole.path(added), added);
  s.copyFrom(whole.path(newest), newest);
  expect(await copyAll(ends)).toMatchObject({ ok: true, transactions: 1, already_there: all });
  expect(await to.verify()).toMatchObject({
    ok: true,
    transactions: [{ first: '0', last: '250' }],
  });
});

it('a copy that was interrupted keeps every chunk that it had proven', async () => {
  const [s, to] = [source(), copyOf(storageFolder())];
  const ends = { from: at(s.folder), to: at(to.folder) };
  const killed = copyAll(ends, {
    beforeCommit() {
      if (to.files().some((name) => name.startsWith('state_'))) throw new Error('killed');
    },
  });
  await expect(killed).rejects.toThrow('killed');
  const marks = to.files().filter((name) => name.endsWith('.copied'));
  expect(marks.length).toBeGreaterThan(1);
  // What lies there is no backup yet, and no finding.
  expect(await to.verify()).toMatchObject({ findings: [], state_snapshots: [] });
  const chunk = to.files().find((name) => /^state_.*\.chunk$/.test(name))!;
  s.remove(chunk);
  const result = await copyAll(ends);
  expect(result).toMatchObject({ ok: true, skipped: [] });
  expect(result.kept).toBeGreaterThan(1);
  expect(await to.verify()).toMatchObject({ ok: true });
});

describe('a damaged object is named, its backup is skipped, and the rest arrives:', () => {
  it.each([
    ['a chunk of transactions', /^transaction_1-.*\/1-\.chunk$/],
    ['a proof of transactions', /^transaction_1-.*\.proof$/],
    ['a chunk of a snapshot', /^state_epoch_3.*\.chunk$/],
    ['the root proof of a snapshot', /^state_epoch_3.*\/state\.proof$/],
  ])('%s', async (_, name) => {
    const [s, to] = [source(), copyOf(storageFolder())];
    const object = s.files().find((file) => name.test(file))!;
    s.flip(object);
    const result = await copyAll({ from: at(s.folder), to: at(to.folder) });
    expect(result).toMatchObject({ ok: false, skipped_count: 1 });
    const [skipped] = result.skipped;
    // By where it is changed, a proof is damaged or of a form that is not known.
    expect(skipped!.code).toMatch(/^(DAMAGED|UNPROVEN)$/);
    expect(`${skipped!.object} ${skipped!.why}`).toContain(object);
    expect(skipped!.manifest.split('/')[0]).toBe(object.split('/')[0]);
    const { epochEndings, transactions, snapshots, damaged } = await readCatalog(to.storage);
    const all = await readCatalog(s.storage);
    const count = (c: typeof all) =>
      c.epochEndings.length + c.transactions.length + c.snapshots.length;
    expect(count({ epochEndings, transactions, snapshots } as typeof all)).toBe(count(all) - 1);
    expect(damaged).toEqual([]);
    // Nothing that arrived is wrong.
    expect((await to.verify()).findings).toEqual([]);
  });

  it('a missing chunk, and a torn manifest', async () => {
    const [s, to] = [source(), copyOf(storageFolder())];
    const chunk = s.files().find((file) => /^transaction_1-.*\.chunk$/.test(file))!;
    s.remove(chunk);
    const manifest = s.files().find((file) => /^state_epoch_3.*\.manifest$/.test(file))!;
    s.edit(manifest, (bytes) => bytes.subarray(0, 40));
    const { skipped } = await copyAll({ from: at(s.folder), to: at(to.folder) });
    expect(skipped).toHaveLength(2);
    expect(skipped).toContainEqual(expect.objectContaining({ object: chunk, code: 'MISSING' }));
    expect(skipped).toContainEqual(expect.objectContaining({ object: manifest, code: 'DAMAGED' }));
    expect((await to.verify()).findings).toEqual([]);
  });

  it.each([
    ['a time', { since: '2100-01-01' }],
    ['epochs', { epochs: '1-4' }],
  ])('epoch endings by which %s is counted', async (_, scope) => {
    const [s, to] = [source(), copyOf(storageFolder())];
    const manifest = s.manifestOf('metadata/epoch_ending_3-5.meta');
    s.edit(manifest, (bytes) => bytes.subarray(0, 40));
    const result = await copyAll({ from: at(s.folder), to: at(to.folder), ...scope });
    expect(result).toMatchObject({ ok: false, epoch_endings: 2 });
    expect(result.skipped).toContainEqual(
      expect.objectContaining({ object: manifest, code: 'DAMAGED' }),
    );
    expect((await to.verify()).findings).toEqual([]);
  });

  it('epoch endings that are missing: what they prove is not copied either', async () => {
    const [s, to] = [source(), copyOf(storageFolder())];
    const { epochEndings } = await readCatalog(s.storage);
    const [first] = epochEndings;
    s.remove(first!.source);
    const result = await copyAll({ from: at(s.folder), to: at(to.folder) });
    expect(result).toMatchObject({ ok: false, epoch_endings: 0 });
    const { transactions, snapshots } = await readCatalog(to.storage);
    // No signature leads to anything that is left.
    expect([...transactions, ...snapshots]).toEqual([]);
    for (const { code } of result.skipped) expect(code).toBe('UNPROVEN');
  });
});

it('a manifest that leads out of its own folder is refused', async () => {
  const [s, to] = [source(), copyOf(storageFolder())];
  const manifest = s.files().find((file) => /^transaction_1-.*\.manifest$/.test(file))!;
  s.editManifest(manifest, ({ chunks: [chunk] }) => (chunk!['proof'] = 'metadata/evil.meta'));
  s.copyFrom(s.path(s.metadata('transaction_1-')), 'metadata/evil.meta');
  const { skipped } = await copyAll({ from: at(s.folder), to: at(to.folder) });
  expect(skipped).toContainEqual(expect.objectContaining({ object: 'metadata/evil.meta' }));
  expect(to.has('metadata/evil.meta')).toBe(false);
});

it('a backup that the source gives up while it is copied is not missed', async () => {
  const [s, to] = [source(), copyOf(storageFolder())];
  const line = s.metadata('transaction_201');
  const folder = s.manifestOf(line).split('/')[0]!;
  const { transactions } = await readCatalog(s.storage);
  const result = await copyAll(
    { from: at(s.folder), to: at(to.folder) },
    {
      beforeTask() {
        // The page with the transactions is planned when all epoch endings are there.
        if (!s.has(line) || !to.files().some((name) => name.startsWith('metadata/epoch'))) return;
        s.remove(line);
        s.remove(folder);
      },
    },
  );
  expect(s.has(line)).toBe(false);
  expect(result).toMatchObject({ ok: true, skipped: [], transactions: transactions.length - 1 });
  expect(to.has(line)).toBe(false);
});

it('two copies at once make one whole repository', async () => {
  const [s, to] = [source(), copyOf(storageFolder())];
  const ends = { from: at(s.folder), to: at(to.folder) };
  const results = await Promise.all([copyAll(ends), copyAll(ends)]);
  for (const result of results) expect(result).toMatchObject({ ok: true });
  expect(await to.verify()).toMatchObject({ ok: true, orphans: [] });
  expect(ofBackups(to.files())).toEqual(ofBackups(s.files()));
});

it('backups of the target that overlap stay, and are told', async () => {
  const [s, to] = [source('stock-continuous'), source()];
  const before = ofBackups(to.files());
  const result = await copyAll({ from: at(s.folder), to: at(to.folder) });
  for (const { code } of result.skipped) expect(code).toBe('OVERLAP');
  expect(ofBackups(to.files()).filter((name) => before.includes(name))).toEqual(before);
  expect(await to.verify()).toMatchObject({ ok: true, findings: [] });
});

it.each([
  ['versions', { versions: '150-160' }, [[101, 200]]],
  ['since', { since: 201 }, [[201, 250]]],
])(
  'only what was asked for is copied, with all epoch endings: %s',
  async (_, scope: Partial<CopyInput>, spans) => {
    const [s, to] = [source(), copyOf(storageFolder())];
    expect(await copyAll({ from: at(s.folder), to: at(to.folder), ...scope })).toMatchObject({
      ok: true,
    });
    const { epochEndings, transactions } = await readCatalog(openStorage(at(to.folder)));
    expect(epochEndings).toHaveLength((await readCatalog(s.storage)).epochEndings.length);
    for (const { firstVersion, lastVersion } of transactions) {
      expect(spans).toContainEqual([Number(firstVersion), Number(lastVersion)]);
    }
    expect((await to.verify()).findings).toEqual([]);
  },
);

it('a range that one of the two has consolidated counts as there, in both directions', async () => {
  const small = new StorageCopy(join(STOCK, '..', 'stock-batches', 'small'));
  const [to, other] = [at(storageFolder()), at(storageFolder())];
  expect(await copyAll({ from: at(small.folder), to })).toMatchObject({ ok: true });
  const untouched = await readCatalog(openStorage(to));
  await consolidate(small.storage, { size: 800n });
  const again = await copyAll({ from: at(small.folder), to });
  expect(again).toMatchObject({ ok: true, skipped: [], transactions: 0 });
  expect((await readCatalog(openStorage(to))).transactions).toEqual(untouched.transactions);
  expect(await copyAll({ from: at(small.folder), to: other })).toMatchObject({ transactions: 2 });
  expect(await copyAll({ from: to, to: other })).toMatchObject({ ok: true, transactions: 0 });
});

it('a target of another chain is refused, and nothing is written', async () => {
  const node = await devnode({ transactions: 20, stateItems: 10, epochs: 2 });
  const folder = storageFolder();
  const target = { type: 'epoch_ending' as const, start_epoch: 0, end_epoch: 2 };
  await backUp({ node: node.address, folder, target });
  const to = copyOf(folder);
  const before = to.files();
  await expect(copyAll({ from: at(source().folder), to: at(folder) })).rejects.toMatchObject({
    code: 'CHAIN_MISMATCH',
  });
  expect(to.files()).toEqual(before);
});

it('backups that are committed together list the target once, however many they are', async () => {
  const node = await devnode({ transactions: 60, stateItems: 10, epochs: 2 });
  const [folder, to] = [storageFolder(), copyOf(storageFolder())];
  const setup = { node: node.address, folder };
  await backUp({ ...setup, target: { type: 'epoch_ending', start_epoch: 0, end_epoch: 2 } });
  const starts = Array.from({ length: 12 }, (_, i) => 4 * i);
  for (const start_version of starts) {
    const target = { type: 'transaction', start_version, num_transactions: 4 } as const;
    await backUp({ ...setup, target });
  }
  const listings = vi.spyOn(BackupStorage.prototype, 'listAllInMetadata');
  onTestFinished(() => listings.mockRestore());
  const beforeCommit = () => void listings.mockClear(); // the last one is that of all transactions
  const result = await copyAll({ from: at(folder), to: at(to.folder) }, { beforeCommit });
  expect(result).toMatchObject({ ok: true, transactions: starts.length });
  expect(listings.mock.calls.length).toBeLessThan(starts.length / 2);
  expect((await readCatalog(to.storage)).transactions).toHaveLength(starts.length);
});
