/** Small batches of the real tool become the batch that the real tool made of the same transactions. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { readCatalog } from '../../src/repository/catalog.js';
import { keepBackup } from '../../src/upkeep/retention/pins.js';
import { readRetired } from '../../src/repository/retired.js';
import { openBackend } from '../../src/storage/registry.js';
import { StorageError } from '../../src/storage/storage-error.js';
import { BackupStorage } from '../../src/storage/storage.js';
import { DAY_MS, consolidate } from '../support/consolidate.js';
import { DyingBackend } from '../support/dying-backend.js';
import { StorageCopy } from '../support/storage-copy.js';
import { upkeepTools } from '../support/upkeep.js';
import { hooked } from './compaction/hooked.js';

const DATA = join(import.meta.dirname, '..', 'fixtures', 'stock-batches');
const FULL = join(DATA, 'full', 'transaction_1-.61e1');
const WAYPOINT = readFileSync(join(DATA, 'waypoint.txt'), 'utf8').trim();

it('the full batch has the files of the stock tool, chunk by chunk and proof by proof', async () => {
  const copy = new StorageCopy(join(DATA, 'small'));
  const { outcomes } = await consolidate(copy.storage, { size: 800n });
  expect(outcomes).toMatchObject([{ status: 'committed', backups: 8, chunks: 17 }]);
  const { transactions, damaged } = await readCatalog(copy.storage);
  expect(transactions.map(({ firstVersion, lastVersion }) => [firstVersion, lastVersion])).toEqual([
    [0n, 0n],
    [1n, 800n],
  ]);
  expect(damaged).toEqual([]);
  const folder = transactions[1]!.manifest.split('/')[0]!;
  for (const name of readdirSync(FULL).filter((file) => !file.endsWith('.manifest'))) {
    const ours = copy.read(`${folder}/${name}`);
    expect(Buffer.compare(ours, readFileSync(join(FULL, name))), name).toBe(0);
  }
  const coverage = await copy.verify([WAYPOINT]);
  expect(coverage).toMatchObject({ ok: true, findings: [], orphans: [] });
  expect(coverage.restorable_by_stock).toMatchObject({ yes: false }); // it has no snapshot
  const note = await readRetired(copy.storage, 'transaction_201-.93aa');
  expect(note).toMatchObject({
    manifest: 'transaction_201-.93aa/transaction.manifest',
    metadata: 'metadata/transaction_201-300.meta',
    kind: 'transaction',
    first: 201n,
    last: 300n,
    why: 'consolidated',
    replacedBy: `${folder}/transaction.manifest`,
  });
  expect(note!.notBefore - note!.retiredAt).toBe(DAY_MS);
  expect(copy.has('metadata_backup/transaction_201-300.meta')).toBe(true);
});

/** What the stock tool sees: backups of transactions without a hole and without an overlap, all of whose files are there. */
async function requireWholeForStock(copy: StorageCopy): Promise<void> {
  const { transactions, damaged } = await readCatalog(copy.storage);
  expect(damaged).toEqual([]);
  let next = 0n;
  for (const { firstVersion, lastVersion, manifest } of transactions) {
    expect(firstVersion).toBe(next);
    next = lastVersion + 1n;
    const { chunks } = copy.manifest(manifest);
    for (const { transactions: file, proof } of chunks) {
      expect(copy.has(file as string) && copy.has(proof as string)).toBe(true);
    }
  }
  expect(next).toBe(801n);
}

function contentOf(copy: StorageCopy): Record<string, string> {
  const kept = copy.files().filter((file) => !file.startsWith('aptos-backup/'));
  const digests = kept.map((file): [string, string] => {
    // Times and the stamps of files differ from run to run.
    const bytes = /\.(receipt|json)$/.test(file) ? '' : copy.read(file);
    return [file, createHash('sha256').update(bytes).digest('hex')];
  });
  return Object.fromEntries(digests);
}

it('a kill at any change of the storage leaves it whole for the stock tool, and the next run ends it', async () => {
  const settings = { size: 800n, maxChunkSize: 1_000_000 };
  const expected = new StorageCopy(join(DATA, 'small'));
  await consolidate(expected.storage, settings);
  const wanted = contentOf(expected);
  // A storage in which the chunks are stored already: then a run has only the changes of the commit.
  const stored = new StorageCopy(join(DATA, 'small'));
  const denied = join(stored.folder, 'metadata_backup');
  writeFileSync(denied, ''); // nothing can be moved into it
  await expect(consolidate(stored.storage, settings)).rejects.toThrow();
  stored.remove('metadata_backup');
  let kills = 0;
  for (let at = 1, done = false; !done; at += 1) {
    for (const made of [false, true]) {
      const copy = new StorageCopy(stored.folder);
      const dying = new DyingBackend(openBackend({ local_fs_dir: copy.folder }), at, made);
      const run = consolidate(new BackupStorage(dying.open()), settings);
      await run.catch(() => undefined);
      done = !dying.isDead;
      if (done) break;
      kills += 1;
      await requireWholeForStock(copy);
      await consolidate(copy.storage, settings);
      await requireWholeForStock(copy);
      expect(contentOf(copy), `after a kill at change ${at}`).toEqual(wanted);
    }
  }
  expect(kills).toBeGreaterThan(40);
}, 600_000);

it('a run that is killed again and again goes on at its next chunk', async () => {
  const copy = new StorageCopy(join(DATA, 'small'));
  let runs = 0;
  for (let done = false; !done; runs += 1) {
    const dying = new DyingBackend(openBackend({ local_fs_dir: copy.folder }), 35, runs % 2 === 0);
    await consolidate(new BackupStorage(dying.open()), { size: 800n }).catch(() => undefined);
    done = !dying.isDead;
    await requireWholeForStock(copy);
  }
  expect(runs).toBeGreaterThan(2);
  const coverage = await copy.verify([WAYPOINT]);
  expect(coverage).toMatchObject({ ok: true, findings: [], orphans: [] });
  expect((await readCatalog(copy.storage)).transactions).toHaveLength(2);
});

it('where nobody may delete, no full batch is stored beside the small ones, however often it runs', async () => {
  const copy = new StorageCopy(join(DATA, 'small'));
  const before = readdirSync(copy.folder);
  const storage = hooked(copy.folder, (what, handle, change) =>
    what === 'remove' || what === 'removeFolder'
      ? Promise.reject(new StorageError('DENIED', handle, 'deletes are denied'))
      : change(),
  );
  const why = expect.stringContaining('does not let us delete') as string;
  for (let run = 0; run < 2; run += 1) {
    const { outcomes } = await consolidate(storage, { size: 800n });
    expect(outcomes).toEqual([{ status: 'left', why }]);
  }
  expect(readdirSync(copy.folder).filter((name) => !before.includes(name))).toEqual([
    'aptos-backup',
  ]);
  const { outcomes } = await consolidate(copy.storage, { size: 800n });
  expect(outcomes).toMatchObject([{ status: 'committed' }]);
});

it('damage in a small batch is named, and its batch is left while the others go on', async () => {
  const copy = new StorageCopy(join(DATA, 'small'));
  copy.flip('transaction_301-.6b85/348-.chunk');
  const { outcomes } = await consolidate(copy.storage, { size: 200n });
  expect(outcomes).toMatchObject([
    { status: 'committed', backups: 2 },
    { status: 'damaged', findings: [{ object: 'transaction_301-.6b85/348-.chunk' }] },
    { status: 'committed', backups: 2 },
    { status: 'committed', backups: 2 },
  ]);
  await requireWholeForStock(copy);
  const { transactions } = await readCatalog(copy.storage);
  expect(transactions.map(({ lastVersion }) => lastVersion)).toEqual([
    ...[0n, 200n, 300n, 400n],
    ...[600n, 800n],
  ]);
});

it('a proof that does not fit and a missing epoch ending are named, too', async () => {
  const copy = new StorageCopy(join(DATA, 'small'));
  copy.write(
    'transaction_101-.1806/101-148.proof',
    copy.read('transaction_101-.1806/149-196.proof'),
  );
  const { outcomes } = await consolidate(copy.storage, { size: 800n });
  expect(outcomes).toMatchObject([{ status: 'damaged' }]);
  expect(JSON.stringify(outcomes)).toContain('transaction_101-.1806/101-');

  const blind = new StorageCopy(join(DATA, 'small'));
  blind.remove('metadata/epoch_ending_0-7.meta');
  const refused = await consolidate(blind.storage, { size: 800n });
  expect(refused.outcomes).toMatchObject([{ status: 'left' }]);
  expect(blind.files().filter((file) => file.startsWith('transaction_1-.'))).toHaveLength(7);
});

it('what no signature proves, because epoch endings before it are missing, takes the place of nothing', async () => {
  const copy = new StorageCopy(join(DATA, 'small'));
  const before = copy.files();
  const { outcomes } = await consolidate(copy.storage, {
    size: 800n,
    // As behind a hole: an ending is stored, and nothing says who had to sign it.
    change: (chain) =>
      chain.restore(chain.dump().map(([n, end]) => [n, { ...end, proven: 'not yet proven' }])),
  });
  expect(outcomes).toMatchObject([{ status: 'damaged', findings: [{ code: 'UNPROVEN' }] }]);
  expect(JSON.stringify(outcomes)).toContain('no signature proves it');
  expect(copy.files().filter((file) => file.endsWith('.chunk'))).toEqual(
    before.filter((file) => file.endsWith('.chunk')),
  );
  await requireWholeForStock(copy);
});

it('a batch with a hole, with a backup over its end, or that is not full yet is left alone', async () => {
  const copy = new StorageCopy(join(DATA, 'small'));
  copy.remove('metadata/transaction_301-400.meta');
  const holed = await consolidate(copy.storage, { size: 400n });
  expect(holed.page.left).toEqual([
    {
      first: '1',
      last: '400',
      why: 'no backup that lies within the batch has versions 301 to 400',
    },
  ]);
  expect(holed.outcomes).toMatchObject([{ status: 'committed', backups: 4 }]);

  const odd = new StorageCopy(join(DATA, 'small'));
  const { page } = await consolidate(odd.storage, { size: 250n });
  expect(page.groups).toEqual([]);
  expect(page.left[0]!.why).toContain('reaches over the end of the batch');
  expect(page.left.some(({ last }) => last === '1000')).toBe(false);
});

it('lines in compacted files are exchanged as well, and the other lines of these files stay', async () => {
  const copy = new StorageCopy(join(DATA, 'small'));
  const names = ['1-100', '101-200', '201-300', '301-400', '401-500', '501-600'];
  const lines = names.map((name) => copy.read(`metadata/transaction_${name}.meta`));
  for (const name of names) copy.remove(`metadata/transaction_${name}.meta`);
  copy.write('metadata/transaction_compacted_1-300.meta', Buffer.concat(lines.slice(0, 3)));
  copy.write('metadata/transaction_compacted_301-600.meta', Buffer.concat(lines.slice(3)));
  const { outcomes } = await consolidate(copy.storage, { size: 400n });
  expect(outcomes).toMatchObject([
    { status: 'committed', backups: 4 },
    { status: 'committed', backups: 4 },
  ]);
  await requireWholeForStock(copy);
  expect(readdirSync(copy.path('metadata')).sort()).toEqual([
    'epoch_ending_0-7.meta',
    'transaction_0-0.meta',
    'transaction_1-400.meta',
    'transaction_401-800.meta',
  ]);
});

it('a full batch beside its small ones is an overlap to the stock tool, and the next run retires these', async () => {
  const copy = new StorageCopy(join(DATA, 'small'));
  copy.copyFrom(FULL, 'transaction_1-.61e1');
  copy.copyFrom(
    join(DATA, 'full', 'metadata', 'transaction_1-800.meta'),
    'metadata/transaction_1-800.meta',
  );
  const before = await copy.verify([WAYPOINT]);
  expect(before).toMatchObject({
    ok: false,
    findings: [{ object: 'metadata/transaction_1-100.meta', code: 'OVERLAP' }],
  });
  expect(before.findings[0]!.why).toMatch(
    /and 7 more .* metadata\/transaction_1-800\.meta names transaction_1-\.61e1.*next consolidation/,
  );
  const { outcomes } = await consolidate(copy.storage, { size: 800n });
  expect(outcomes).toMatchObject([
    { status: 'committed', manifest: 'transaction_1-.61e1/transaction.manifest', backups: 8 },
  ]);
  await requireWholeForStock(copy);
  expect((await readCatalog(copy.storage)).transactions).toHaveLength(2);
  expect(await copy.verify([WAYPOINT])).toMatchObject({ ok: true, findings: [] });
});

it('a storage of gzip files gets gzip files with the same content', async () => {
  const copy = new StorageCopy(join(DATA, 'small'));
  for (const file of copy.files()) copy.edit(file, (bytes) => gzipSync(bytes));
  const { outcomes } = await consolidate(copy.storage, { size: 800n });
  expect(outcomes).toMatchObject([{ status: 'committed', chunks: 17 }]);
  const { transactions } = await readCatalog(copy.storage);
  const folder = transactions[1]!.manifest.split('/')[0]!;
  for (const name of readdirSync(FULL).filter((file) => file.endsWith('.chunk'))) {
    const ours = gunzipSync(copy.read(`${folder}/${name}`));
    expect(Buffer.compare(ours, readFileSync(join(FULL, name))), name).toBe(0);
  }
  expect(await copy.verify([WAYPOINT])).toMatchObject({ ok: true, findings: [], orphans: [] });
});

it('a batch with a pinned backup is left as it is', async () => {
  const copy = new StorageCopy(join(DATA, 'small'));
  await keepBackup('transaction_201-.93aa', undefined, upkeepTools(copy.storage));
  const { outcomes } = await consolidate(copy.storage, { size: 800n });
  expect(outcomes).toMatchObject([
    { status: 'left', why: expect.stringContaining('transaction_201-.93aa is pinned') as string },
  ]);
  await requireWholeForStock(copy);
});

it('a metadata file with a line of tomorrow holds up its own batch, and no other', async () => {
  const copy = new StorageCopy(join(DATA, 'small'));
  const two = ['metadata/transaction_1-100.meta', 'metadata/transaction_101-200.meta'];
  const text = two.map((name) => copy.read(name).toString()).join('');
  for (const name of two) copy.remove(name);
  copy.write('metadata/transaction_compacted_1-200.meta', `${text}{"Future":{}}\n`);
  const { outcomes } = await consolidate(copy.storage, { size: 200n });
  expect(outcomes).toMatchObject([
    { status: 'left', why: expect.stringContaining('transaction_compacted_1-200') as string },
    ...[{ status: 'committed' }, { status: 'committed' }, { status: 'committed' }],
  ]);
});
