/** What `repository list`, `show` and `stats` say of a storage in a folder. */
import { cpSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { ListedBackup } from '../../../src/contract/answers/inventory-answers.js';
import { readCatalog } from '../../../src/repository/catalog.js';
import { rememberVerified } from '../../../src/repository/verified-times.js';
import { BackupStorage } from '../../../src/storage/storage.js';
import { type BackupFilter, listBackups } from '../../../src/upkeep/inventory/list-backups.js';
import { publishIndex } from '../../../src/upkeep/inventory/publish-index.js';
import { showBackup } from '../../../src/upkeep/inventory/show-backup.js';
import { storageStats } from '../../../src/upkeep/inventory/storage-stats.js';
import { AdapterPlace } from '../../support/adapters/place.js';
import { ADAPTERS } from '../../support/adapters/yaml.js';
import { backUp, devnode, storageFolder } from '../../support/backup.js';
import { STOCK, StorageCopy } from '../../support/storage-copy.js';

const DAY_MS = 86_400_000;

async function rowsOf(storage: BackupStorage, filter: BackupFilter = {}, read = false) {
  const rows: ListedBackup[] = [];
  const catalog = await readCatalog(storage);
  for await (const row of listBackups(storage, catalog, filter, { read })) rows.push(row);
  return rows;
}

const show = async (storage: BackupStorage, name: string) =>
  showBackup(storage, await readCatalog(storage), name);
const statsOf = async (storage: BackupStorage) => storageStats(storage, await readCatalog(storage));

/** Two of our backups of transactions, one of epoch endings and a snapshot. */
async function ours() {
  const node = await devnode({ transactions: 300, stateItems: 200, epochs: 3 });
  const setup = { node: node.address, folder: storageFolder(), maxChunkSize: 10_000 };
  await backUp({ ...setup, target: { type: 'epoch_ending', start_epoch: 0, end_epoch: 3 } });
  const snapshot = await backUp({ ...setup, target: { type: 'state_snapshot', epoch: 1 } });
  const transactions = (start_version: number) =>
    backUp({ ...setup, target: { type: 'transaction', start_version, num_transactions: 100 } });
  await transactions(0);
  const second = await transactions(100);
  const copy = new StorageCopy(setup.folder);
  return { copy, setup, snapshot, second, genesis: node.facts().genesis_waypoint };
}

it('lists by kind and range from the metadata alone, and with sizes and proofs when asked', async () => {
  const { copy, snapshot } = await ours();
  const before = Date.now() + 60_000;
  const rows = await rowsOf(copy.storage);
  expect(rows.map(({ kind, first, last }) => `${kind} ${first}-${last}`)).toEqual([
    'epoch_ending 0-2',
    'state_snapshot 1-1',
    'transaction 0-99',
    'transaction 100-199',
  ]);
  for (const { committed_at: at, bytes } of rows) {
    expect(Date.parse(at!)).toBeLessThan(before);
    expect(bytes).toBeUndefined();
  }
  expect(rows[1]).toMatchObject({ manifest: snapshot.manifest });

  const [, , first] = await rowsOf(copy.storage, {}, true);
  const manifest = copy.manifest(first!.manifest);
  const stored = [
    first!.manifest,
    ...manifest.chunks.flatMap((c) => [c['transactions'], c['proof']]),
  ]
    .map((handle) => copy.read(String(handle)).length)
    .reduce((sum, length) => sum + length, 0);
  expect(first).toMatchObject({ bytes: stored, proven: 'signed', chunks: manifest.chunks.length });
  expect(first!.fault).toBeUndefined();

  const names = async (filter: BackupFilter) =>
    (await rowsOf(copy.storage, filter)).map(({ kind, first }) => `${kind} ${first}`);
  expect(await names({ kinds: ['state_snapshot'] })).toEqual(['state_snapshot 1']);
  expect(await names({ kinds: ['transaction'], versions: { first: 100n, last: 100n } })).toEqual([
    'transaction 100',
  ]);
  expect(await names({ epochs: { first: 2n, last: 9n } })).toEqual(['epoch_ending 0']);
});

it('shows what is missing, what has another size, and what nothing names', async () => {
  const { copy, second } = await ours();
  const folder = second.backup;
  const whole = await show(copy.storage, folder);
  expect(whole.files).toMatchObject({
    named: 2 * whole.parts.length,
    there: 2 * whole.parts.length,
  });
  expect(whole.parts.length).toBeGreaterThan(2);
  expect(whole).toMatchObject({
    proven: 'signed',
    strays: [],
    files: { wrong: [], looked_at: true },
  });
  expect(JSON.parse(whole.line)).toMatchObject({ TransactionBackup: { first_version: 100 } });

  const [one, two] = whole.parts;
  copy.remove(one!.proof!.file);
  copy.edit(two!.file, (bytes) => bytes.subarray(1));
  copy.write(`${folder}/notes.txt`, 'mine');
  const hurt = await show(copy.storage, second.manifest);
  expect(hurt.files.wrong.sort()).toEqual(
    [`${one!.proof!.file}: missing`, `${two!.file}: wrong size`].sort(),
  );
  expect(hurt.fault).toContain(`${one!.proof!.file} is missing`);
  expect(hurt.strays).toEqual([`${folder}/notes.txt`]);

  copy.write(second.manifest, '{');
  expect((await show(copy.storage, folder)).fault).toContain('cannot be used');
  await expect(show(copy.storage, 'transaction_9-.0000')).rejects.toMatchObject({
    code: 'INPUT_INVALID',
    message: expect.stringContaining('transaction_9-.0000') as string,
  });
});

it("tells how the stock tool's backups are proven only after a verification, and when that was", async () => {
  const copy = new StorageCopy(`${STOCK}/stock-continuous`);
  const name = 'transaction_1-.d464';
  expect((await show(copy.storage, name)).proven).toBe('unknown');
  const before = Date.now();
  const { genesis } = await copy.verify();
  expect(genesis).toBeDefined();
  await rememberVerified(copy.storage, { whole: before });
  const shown = await show(copy.storage, name);
  expect(shown.proven).not.toBe('unknown');
  expect(Date.parse(shown.verified_at!)).toBeGreaterThanOrEqual(before);
  expect(shown.storage_verified_at).toBe(new Date(before).toISOString());
});

it('knows that gzip changes sizes, and that a compaction is no commit', async () => {
  const gzip = new StorageCopy(`${STOCK}/stock-gzip`);
  const shown = await show(gzip.storage, 'transaction_1-.ab77');
  expect(shown.files).toMatchObject({ wrong: [], there: shown.files.named });

  const { copy } = await ours();
  const [a, b] = ['metadata/transaction_0-99.meta', 'metadata/transaction_100-199.meta'];
  const lines = Buffer.concat([copy.read(a), copy.read(b)]);
  copy.write('metadata/transaction_compacted_0-199.meta', lines);
  for (const file of [a, b]) copy.remove(file);
  const kinds = ['transaction'] as const;
  for (const { committed_at: at } of await rowsOf(copy.storage, { kinds })) {
    expect(at).toBeUndefined();
  }
  for (const row of await rowsOf(copy.storage, { kinds }, true)) {
    expect(row.committed_at).toBe(timeOf(copy, row.manifest));
  }
});

it('counts bytes, holes, overlaps, orphans and growth', async () => {
  const { copy, second } = await ours();
  const { storage } = copy;
  const [tx] = [`${second.backup}`];
  const far = { first_version: 300, last_version: 399 };
  copy.write(
    'metadata/transaction_300-399.meta',
    lineOf({ ...far, manifest: 'transaction_300-.0000/x' }),
  );
  const over = { first_version: 350, last_version: 360 };
  copy.write(
    'metadata/transaction_350-360.meta',
    lineOf({ ...over, manifest: 'transaction_350-.0000/x' }),
  );
  cpSync(copy.path(tx), copy.path('transaction_100-.ffff'), { recursive: true });
  copy.remove('transaction_100-.ffff/committed.json');
  copy.write('transaction_100-.ffff/more', Buffer.alloc(500));
  cpSync(copy.path('metadata'), copy.path('somebody-else'), { recursive: true });
  age(copy, 'transaction_0-99', 10);
  age(copy, 'transaction_100-199', 5);

  const stats = await statsOf(storage);
  expect(stats.kinds.transaction).toMatchObject({
    backups: 4,
    newest: '399',
    holes: 1,
    first_holes: [{ first: '200', last: '299' }],
    overlaps: 1,
    first_overlaps: [{ first: '350', last: '360' }],
  });
  expect(stats.kinds.state_snapshot).toMatchObject({ backups: 1, holes: 0 });
  expect(stats.orphans).toMatchObject({
    folders: 2,
    first: [
      { folder: 'transaction_100-.ffff', what: 'unfinished' },
      { folder: 'somebody-else', what: 'foreign' },
    ],
  });
  const all = copy.files().reduce((sum, handle) => sum + copy.read(handle).length, 0);
  expect(stats.bytes).toBe(all);
  expect(stats.growth.over_days).toBe(10);
  const grown = stats.kinds.transaction.records_a_day!;
  expect(grown).toBe(Math.round((100 + 100 + 11) / 10)); // not the hundred that were there at the beginning
  expect(stats.restorable.yes).toBe(true);
});

it('says that growth is unknown when all was written at once', async () => {
  const stats = await statsOf(new StorageCopy(`${STOCK}/stock-continuous`).storage);
  expect(stats.growth).toEqual({ why_unknown: 'all backups were written within one day' });
  expect(stats.orphans).toEqual({ folders: 0, bytes: 0, first: [] });
});

it('says what is unknown where commands list nothing but metadata', async () => {
  const place = new AdapterPlace(ADAPTERS['azcopy']!);
  const node = await devnode({ transactions: 100, stateItems: 50, epochs: 2 });
  const target = { type: 'transaction', start_version: 0, num_transactions: 100 } as const;
  const settings = { command_adapter_config: place.file() };
  await backUp({ node: node.address, folder: place.root, storage: settings, target });
  const storage = new BackupStorage(place.open());
  const [first] = await rowsOf(storage, { kinds: ['transaction'] }, true);
  expect(first).toMatchObject({ first: '0', last: '99', proven: 'signed' });
  expect(first).not.toHaveProperty('bytes');
  const shown = await show(storage, first!.backup);
  expect(shown.files).toMatchObject({ looked_at: false, wrong: [] });
  const stats = await statsOf(storage);
  expect(stats.orphans).toBeUndefined();
  expect(stats.growth.why_unknown).toContain('lists no folders');
  await expect(publishIndex(storage)).rejects.toMatchObject({ code: 'STORAGE_UNFIT' });
});

it('lists thousands of backups without a look at any manifest', async () => {
  const copy = new StorageCopy(`${STOCK}/stock-continuous`);
  const count = 3_000;
  for (let at = 0; at < count; at += 1) {
    const [first_version, last_version] = [1_000 + 10 * at, 1_009 + 10 * at];
    const manifest = `transaction_${first_version}-.0000/transaction.manifest`;
    const line = lineOf({ first_version, last_version, manifest });
    writeFileSync(copy.path(`metadata/transaction_${first_version}-${last_version}.meta`), line);
  }
  // None of the manifests is there: a list that read one would fail or tell it.
  const rows = await rowsOf(copy.storage, { kinds: ['transaction'] });
  expect(rows).toHaveLength(count + 3);
  expect(rows.every(({ committed_at: at, fault }) => at !== undefined && !fault)).toBe(true);
});

function lineOf(fields: object): string {
  return `${JSON.stringify({ TransactionBackup: fields })}\n`;
}

/** Makes the metadata file of a range so many days old. */
function age(copy: StorageCopy, name: string, days: number): void {
  const at = (Date.now() - days * DAY_MS) / 1000;
  utimesSync(copy.path(`metadata/${name}.meta`), at, at);
}

function timeOf(copy: StorageCopy, handle: string): string {
  return new Date(Math.floor(statSync(copy.path(handle)).mtimeMs)).toISOString();
}
