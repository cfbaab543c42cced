/** What was read of the metadata is kept, on disk too, and is believed only as far as the store's stamps bear it out. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { encodeMetadataLine } from '../../src/aptos/index.js';
import { MetadataPlace, lineOf, upTo } from '../support/metadata-place.js';

// A file that was written just now may change again without another stamp. So let an hour pass.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

it('reads thousands of files once: later looks and later processes only list', async () => {
  const p = new MetadataPlace();
  const all = upTo(3000);
  for (const i of all) p.put([lineOf(i)]);
  const first = await p.process();
  expect(await first.look()).toMatchObject({ reads: 3000, batches: all });
  expect(await first.look()).toMatchObject({ reads: 0, listings: 1, batches: all });
  const second = await p.process();
  const { catalog, ...rest } = await second.look();
  expect(rest).toEqual({ reads: 0, listings: 1, batches: all });
  expect(catalog).toEqual((await (await p.process({ data: null })).look()).catalog);
  p.put([lineOf(3000)]);
  expect(await second.look()).toMatchObject({ reads: 1, listings: 1, batches: upTo(3001) });
  expect(await first.look()).toMatchObject({ reads: 1, listings: 1, batches: upTo(3001) });
  expect(await (await p.process()).look()).toMatchObject({ reads: 0, batches: upTo(3001) });
});

it('keeps all fields of all kinds of lines, also unknown ones', async () => {
  const p = new MetadataPlace();
  const manifest = 'a_backup/x.manifest';
  const big = 2n ** 64n - 1n;
  const extra = { note: 'by "hand"\n', size: big, list: [1n, null] };
  p.put([
    {
      type: 'EpochEndingBackup',
      firstEpoch: 0n,
      lastEpoch: 2n,
      firstVersion: 0n,
      lastVersion: big,
      manifest,
    },
    { type: 'StateSnapshotBackup', epoch: 1n, version: big, manifest, extra },
    { ...lineOf(3, 'ü/"quoted"'), extra },
    { type: 'Identity', id: '00'.repeat(32) },
  ] as never);
  const fresh = await (await p.process()).look();
  expect(fresh.catalog.snapshots[0]).toMatchObject({ version: big, extra });
  const cached = await (await p.process()).look();
  expect(cached.reads).toBe(0);
  expect(cached.catalog).toEqual(fresh.catalog);
});

it('reads many large files with bounded memory, and one that is larger than that alone', async () => {
  const p = new MetadataPlace();
  const part = 'x'.repeat(100_000);
  for (const file of upTo(10)) {
    const lines = upTo(file === 0 ? 100 : 20).map((i) => lineOf(file * 100 + i, `${part}/${i}`));
    p.put(lines, `transaction_compacted_${file}.meta`);
  }
  const { look, open } = await p.process();
  expect((await look()).batches).toHaveLength(280);
  expect(open.most).toBeGreaterThan(9_000_000); // the large one
  expect(open.most).toBeLessThan(11_000_000);
  expect((await (await p.process()).look()).batches).toHaveLength(280);
});

it('keeps nothing on disk in a process that was not told where', async () => {
  const p = new MetadataPlace();
  p.put([lineOf(0)]);
  const { look } = await p.process({ data: null });
  expect(await look()).toMatchObject({ reads: 1 });
  expect(await look()).toMatchObject({ reads: 0 });
  expect(readdirSync(p.data)).toEqual([]);
});

describe('what has changed is read again', () => {
  async function looked() {
    const p = new MetadataPlace();
    for (const i of upTo(5)) p.put([lineOf(i)]);
    const before = await p.process();
    await before.look();
    return { p, before };
  }

  it('as a file with other content of the same length under the same name', async () => {
    const { p, before } = await looked();
    p.put([lineOf(3, 'transaction_30-.cd/m')]);
    const old = await p.process();
    const looks = [await before.look(), await old.look(), await (await p.process()).look()];
    for (const { catalog } of looks) {
      expect(catalog.transactions[3]?.manifest).toBe('transaction_30-.cd/m');
    }
    expect(looks.map(({ reads }) => reads > 0)).toEqual([true, false, false]);
  });

  it('as a file that is gone, also when it comes back', async () => {
    const { p, before } = await looked();
    const name = 'transaction_30-39.meta';
    p.remove(name);
    for (const process of [before, await p.process(), await p.process()]) {
      expect(await process.look()).toMatchObject({ reads: 0, batches: [0, 1, 2, 4] });
    }
    p.put([lineOf(3)]);
    expect(await before.look()).toMatchObject({ reads: 1, batches: upTo(5) });
    expect(await (await p.process()).look()).toMatchObject({ reads: 0, batches: upTo(5) });
  });

  it('as a file that was written so recently that its stamp says nothing', async () => {
    const { p, before } = await looked();
    vi.useRealTimers();
    for (const manifest of ['young/1', 'young/2', 'young/3', 'young/4']) {
      p.put([lineOf(3, manifest)]);
      expect((await before.look()).catalog.transactions[3]?.manifest).toBe(manifest);
    }
  });

  it('as a damaged file, at each look until it is repaired', async () => {
    const { p, before } = await looked();
    writeFileSync(join(p.folder, 'metadata', 'transaction_30-39.meta'), '{"TransactionBackup":');
    for (const process of [before, await p.process(), before]) {
      const { reads, catalog } = await process.look();
      expect(reads).toBeGreaterThan(0);
      expect(catalog.damaged).toMatchObject([{ object: 'metadata/transaction_30-39.meta' }]);
    }
    p.put([lineOf(3)]);
    expect(await before.look()).toMatchObject({ reads: 1, batches: upTo(5) });
    expect(await before.look()).toMatchObject({ reads: 0, batches: upTo(5) });
  });

  it('as what a link leads to; names that nobody can read hold nobody up', async () => {
    const { p, before } = await looked();
    const other = join(p.folder, 'elsewhere.meta');
    writeFileSync(other, encodeMetadataLine(lineOf(7)));
    symlinkSync(other, join(p.folder, 'metadata', 'link.meta'));
    symlinkSync(p.folder, join(p.folder, 'metadata', 'folder.meta'));
    mkdirSync(join(p.folder, 'metadata', 'real-folder'));
    expect(await before.look()).toMatchObject({ batches: [...upTo(5), 7] });
    writeFileSync(other, encodeMetadataLine(lineOf(8)));
    expect(await before.look()).toMatchObject({ batches: [...upTo(5), 8] });
  });
});

describe('a cache that cannot be used is made anew', () => {
  const spoil: [string, (p: MetadataPlace, cache: string) => void][] = [
    ['cut', (_, cache) => truncateSync(cache, readFileSync(cache).length - 40)],
    ['empty', (_, cache) => truncateSync(cache, 0)],
    ['of zeros', (_, cache) => writeFileSync(cache, Buffer.alloc(5000))],
    ['no text', (_, cache) => writeFileSync(cache, Buffer.from('ff00fe0a'.repeat(500), 'hex'))],
    ['gone', (_, cache) => rmSync(cache)],
    ['changed in one place', (_, cache) => replaceIn(cache, 'transaction_10-', 'transaction_11-')],
    ['changed in its first line', (_, cache) => replaceIn(cache, 'storage', 'Storage')],
    ['without its first line', (_, cache) => replaceIn(cache, /^.*\n/, '')],
    ['of another version', (_, cache) => replaceIn(cache, '"catalog":1', '"catalog":2')],
  ];
  it.each(spoil)('%s', async (_, work) => {
    const p = new MetadataPlace();
    for (const i of upTo(5)) p.put([lineOf(i)]);
    const { catalog } = await (await p.process()).look();
    work(p, p.cache());
    const after = await (await p.process()).look();
    expect(after.reads).toBe(5);
    expect(after.catalog).toEqual(catalog);
    expect((await (await p.process()).look()).reads).toBe(0);
  });

  it('of another storage', async () => {
    const [p, other] = [new MetadataPlace(), new MetadataPlace()];
    p.put([lineOf(0)]);
    other.put([lineOf(0, 'another/m')]);
    await (await p.process()).look();
    await (await other.process()).look();
    cpSync(other.cache(), p.cache());
    expect((await (await p.process()).look()).catalog.transactions[0]?.manifest).toMatch(/^trans/);
    expect((await (await p.process()).look()).reads).toBe(0);
  });

  it('not at all where nobody may write: looks are as good without', async () => {
    const p = new MetadataPlace();
    p.put([lineOf(0)]);
    writeFileSync(join(p.data, 'catalog'), 'a file where the folder must be');
    for (let i = 0; i < 2; i += 1) {
      expect(await (await p.process()).look()).toMatchObject({ reads: 1, batches: [0] });
    }
  });
});

describe('processes that share a cache', () => {
  it('append to it at once, and lose nothing that is true', async () => {
    const p = new MetadataPlace();
    for (const i of upTo(300)) p.put([lineOf(i)]);
    const processes = [await p.process(), await p.process(), await p.process()];
    for (let round = 0; round < 6; round += 1) {
      const count = 300 + round * 10;
      for (const i of upTo(count).slice(300)) p.put([lineOf(i)]);
      const looks = await Promise.all(processes.map(({ look }) => look()));
      for (const { batches } of looks) expect(batches).toEqual(upTo(count));
    }
    const { batches, reads } = await (await p.process()).look();
    expect(batches).toEqual(upTo(350));
    expect(reads).toBeLessThan(350);
    expect((await (await p.process()).look()).reads).toBe(0);
  });

  it('put a shorter one in its place when most of it is out of date', async () => {
    const p = new MetadataPlace();
    for (const i of upTo(1300)) p.put([lineOf(i)]);
    const long = await p.process();
    await long.look();
    const before = readFileSync(p.cache()).length;
    for (const i of upTo(1200)) p.remove(`transaction_${i * 10}-${i * 10 + 9}.meta`);
    expect((await long.look()).batches).toHaveLength(100);
    expect(readFileSync(p.cache()).length).toBeLessThan(before / 5);
    // One that has the old file in mind goes on, and so does the next.
    p.put([lineOf(9000)]);
    expect((await long.look()).batches).toHaveLength(101);
    expect(await (await p.process()).look()).toMatchObject({ reads: 0 });
    expect(existsSync(p.cache())).toBe(true);
  });
});

function replaceIn(file: string, from: string | RegExp, to: string): void {
  const text = readFileSync(file, 'utf8');
  expect(text).toMatch(from);
  writeFileSync(file, text.replace(from, to));
}
