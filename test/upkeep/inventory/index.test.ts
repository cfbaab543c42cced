/** An index in a bucket: those who may read its objects and not list them read the storage through it. */
import { gzipSync } from 'node:zlib';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { Archive } from '../../../src/archive/archive.js';
import { prepareUnit } from '../../../src/backup/plan/prepare.js';
import { Learnt } from '../../../src/backup/plan/learnt.js';
import { readCatalog, readKnownCatalog } from '../../../src/repository/catalog.js';
import { openReadable } from '../../../src/storage/index/open-readable.js';
import {
  type IndexedFile,
  decodeIndex,
  encodeIndex,
  timeOfIndex,
} from '../../../src/storage/index/metadata-index.js';
import { openStorage } from '../../../src/storage/open.js';
import { listBackups } from '../../../src/upkeep/inventory/list-backups.js';
import { publishIndex } from '../../../src/upkeep/inventory/publish-index.js';
import { showBackup } from '../../../src/upkeep/inventory/show-backup.js';
import { storageStats } from '../../../src/upkeep/inventory/storage-stats.js';
import { WHOLE_STORAGE, verifyStorage } from '../../../src/verify/verify-storage.js';
import { jobOf } from '../../support/back-up.js';
import { runCli } from '../../support/cli.js';
import { backUp, devnode, storageFolder } from '../../support/backup.js';
import { copyAll } from '../../support/copy.js';
import { siteOf } from '../../support/open-site.js';
import { STOCK, StorageCopy } from '../../support/storage-copy.js';
import { compacted } from '../compaction/support.js';
import { makeBucket, s3Server } from '../../support/s3-bucket.js';
import { faultyProxy } from '../../support/servers/faulty-proxy.js';

const server = s3Server();

afterEach(() => {
  vi.unstubAllEnvs();
});

/** A gzip'd storage in a bucket whose objects everybody may read, and nobody but its owner list. */
async function publicBucket() {
  const node = await devnode({ transactions: 300, stateItems: 100, epochs: 2 });
  const bucket = await makeBucket(server);
  const owner = { url: bucket.url('e1') };
  const setup = { node: node.address, folder: storageFolder(), storage: owner };
  const transactions = (start_version: number) =>
    ({ type: 'transaction', start_version, num_transactions: 100 }) as const;
  await backUp({ ...setup, target: { type: 'epoch_ending', start_epoch: 0, end_epoch: 2 } });
  await backUp({ ...setup, target: { type: 'state_snapshot', epoch: 0 } });
  await backUp({ ...setup, target: transactions(0) });
  await backUp({ ...setup, target: transactions(100) });
  const policy = {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: '*',
        Action: ['s3:GetObject'],
        Resource: [`arn:aws:s3:::${bucket.name}/*`],
      },
    ],
  };
  await bucket.s3.putBucketPolicy({ Bucket: bucket.name, Policy: JSON.stringify(policy) });
  const reader = { url: bucket.url('e1', 'anonymous=true') };
  return { bucket, owner, reader, setup, transactions };
}

it('is read by who may not list: list, show, stats and verify say the same as to the owner, and it is copied', async () => {
  const { bucket, owner, reader, setup, transactions } = await publicBucket();
  const unlisted = await openReadable(reader);
  await expect(readCatalog(unlisted)).rejects.toMatchObject({ code: 'DENIED' });

  const before = Date.now();
  const latest = await publishIndex(openStorage(owner));
  expect(Date.parse(latest.at)).toBeGreaterThanOrEqual(before);
  expect(latest).toMatchObject({
    epoch_ending: { epoch: '1', proven: 'signed' },
    state_snapshot: { epoch: '0', version: '0', proven: 'chained' },
    transaction: { version: '199', proven: 'signed' },
    restorable: { yes: true },
  });
  const stored = await openStorage(owner).readAll('aptos-backup/latest.json', 10_000);
  expect(JSON.parse(Buffer.from(stored).toString())).toMatchObject(latest);
  const { Body } = await bucket.s3.getObject({ Bucket: bucket.name, Key: `e1/${latest.index}` });
  const bytes = await Body!.transformToByteArray();
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(latest.index_sha256);

  const storage = await openReadable(reader);
  expect(storage.indexedAt).toBe(Date.parse(latest.at));
  expect(storage.description).toContain(`its index of ${latest.at}`);
  const catalog = await readCatalog(storage);
  expect(catalog).toEqual(await readCatalog(openStorage(owner)));
  const rows = await all(listBackups(storage, catalog));
  expect(rows).toEqual(await all(listBackups(openStorage(owner), catalog)));
  const shown = await showBackup(storage, catalog, rows.at(-1)!.backup);
  expect(shown).toMatchObject({ indexed_at: latest.at, files: { looked_at: true, wrong: [] } });
  expect(shown.files.there).toBe(shown.files.named);
  const stats = await storageStats(storage, catalog);
  expect(stats).toMatchObject({ indexed_at: latest.at, kinds: { transaction: { backups: 2 } } });
  expect(stats.orphans).toBeUndefined();
  const printed = await runCli(['restore', 'plan', '--storage', reader.url]);
  expect(printed.code).toBe(0);
  expect(printed.out).toContain(`its index of ${latest.at} says, to the printed adapter as well`);
  expect(printed.out).toContain('FILE_HANDLE=aptos-backup/index.gz');
  expect((await runCli(['query', 'backup-storage-state', '--storage', reader.url])).out).toContain(
    'latest_transaction_version: 199',
  );
  const archive = await Archive.open({ storage, cacheBytes: 1_000_000, onError: () => undefined });
  expect(await archive.tip()).toMatchObject({ version: 199n });
  const settings = { storage: reader, trustWaypoints: [] };
  const coverage = await verifyStorage(storage, settings, WHOLE_STORAGE);
  expect(coverage).toMatchObject({ ok: true, transactions: [{ first: '0', last: '199' }] });
  expect(coverage.storage).toContain(`its index of ${latest.at}`);
  const copy = { local_fs_dir: storageFolder() };
  expect(await copyAll({ from: reader, to: copy })).toMatchObject({ ok: true, transactions: 2 });
  const { damaged, ...copied } = await readCatalog(openStorage(copy));
  expect(damaged).toEqual([]);
  expect(copied.transactions).toEqual(catalog.transactions);

  // A file that is gone is missing, although the store says "denied".
  const [chunk] = shown.parts;
  await bucket.s3.deleteObject({ Bucket: bucket.name, Key: `e1/${chunk!.file}` });
  const lacking = await verifyStorage(await openReadable(reader), settings, WHOLE_STORAGE);
  expect(lacking.findings).toContainEqual(
    expect.objectContaining({ object: chunk!.file, code: 'MISSING' }),
  );

  // Whoever writes or removes something is still refused.
  await expect(storage.createBackup('transaction_1-.0000')).rejects.toMatchObject({
    code: 'DENIED',
  });
  await expect(storage.removeFile(chunk!.file)).rejects.toMatchObject({ code: 'DENIED' });
  await expect(readKnownCatalog(openStorage(reader))).rejects.toMatchObject({ code: 'DENIED' });
  const job = { ...jobOf({ ...setup, target: transactions(200) }), storage: reader };
  const plan = async () => {
    const site = await siteOf(job);
    const signal = AbortSignal.timeout(60_000);
    return prepareUnit(site, job, { lanes: 4, learnt: Learnt.from(site.address), signal });
  };
  await expect(plan()).rejects.toMatchObject({ code: 'DENIED' });
});

it('is not asked where listing works, and says so when it is damaged', async () => {
  const { bucket, owner, setup, transactions } = await publicBucket();
  await publishIndex(openStorage(owner));
  await backUp({ ...setup, target: transactions(200) });
  const listed = await openReadable(owner);
  expect(listed.indexedAt).toBeUndefined();
  expect((await readCatalog(listed)).transactions).toHaveLength(3);

  // A store that answers 403 to the listings of its owner, too: a proxy, as the rights of others cannot be tried here.
  const proxy = await faultyProxy(server.endpoint, ({ path }) =>
    /list-type=2/.test(path) ? { status: 403, body: DENIED } : undefined,
  );
  const denied = { url: bucket.url('e1', '', proxy) };
  expect((await readCatalog(await openReadable(denied))).transactions).toHaveLength(2);
  await publishIndex(openStorage(owner));
  expect((await readCatalog(await openReadable(denied))).transactions).toHaveLength(3);

  const Key = 'e1/aptos-backup/index.gz';
  for (const Body of [
    Buffer.from('{}'),
    gzipSync('{"index":1,"at":"1","files":0}\n{"digest":"0"}\n'),
  ]) {
    await bucket.s3.putObject({ Bucket: bucket.name, Key, Body });
    const reading = async () => readCatalog(await openReadable(denied));
    await expect(reading()).rejects.toMatchObject({
      code: 'DAMAGED',
      message: expect.stringMatching(/aptos-backup\/index\.gz .*repository index/) as string,
    });
  }
});

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

const DENIED =
  '<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>';

it('tells every line of a file, also one that another file has, too', async () => {
  const copy = new StorageCopy(join(STOCK, 'stock-plain'));
  await compacted(copy.storage, { factor: 10, removeAfter: 86_400 }); // originals stay beside the compacted files
  const { index: name } = await publishIndex(copy.storage);
  const { files } = await decodeIndex(copy.read(name));
  const linesOf = (text: string) => text.trimEnd().split('\n').sort();
  const told = [...files.values()].filter(({ content }) => content !== undefined);
  expect(told.map((file) => file.name)).toContain('transaction_compacted_0-250.meta');
  for (const { name, content } of told) {
    const stored = copy.read(`metadata/${name}`).toString();
    expect(linesOf(content!), name).toEqual(linesOf(stored));
  }
});

it('that is published while somebody compacts names every backup, and no file without its lines', async () => {
  const copy = new StorageCopy(join(STOCK, 'stock-plain'));
  const { storage } = copy;
  const list = storage.listFolder.bind(storage);
  vi.spyOn(storage, 'listFolder').mockImplementation(async (folder) => {
    if (folder === 'metadata' && !copy.has('metadata_backup')) {
      const at = Math.floor(Date.now() / 1000);
      for (const time of [at, at + 2]) await compacted(copy.storage, { factor: 10, at: time });
    }
    return list(folder);
  });
  const { index: name } = await publishIndex(storage);
  const files = [...(await decodeIndex(copy.read(name))).files.values()];
  const bare = files.filter(({ content }) => content === undefined).map((file) => file.name);
  const harmless = /^(identity|compaction_timestamps_\d+)\.meta$/;
  expect(bare.filter((one) => !harmless.test(one))).toEqual([]);
  const lines = files.map(({ content }) => content ?? '').join('');
  expect(lines.match(/TransactionBackup/g)).toHaveLength(4);
});

it('says the newest version also when a small backup lies within the newest one', async () => {
  const copy = new StorageCopy(join(STOCK, 'stock-plain'));
  const manifest = copy.manifestOf(copy.metadata('transaction_201'));
  const line = { TransactionBackup: { first_version: 210, last_version: 220, manifest } };
  copy.write('metadata/transaction_210-220.meta', `${JSON.stringify(line)}\n`);
  expect(await publishIndex(copy.storage)).toMatchObject({ transaction: { version: '250' } });
});

it('stays small with a hundred thousand metadata files', async () => {
  const files = new Map<string, IndexedFile>();
  for (let at = 0; at < 100_000; at += 1) {
    const [first, last] = [at * 12_345, at * 12_345 + 12_344];
    const suffix = createHash('sha256').update(`${at}`).digest('hex').slice(0, 4);
    const manifest = `transaction_${first}-.${suffix}/transaction.manifest`;
    const line = { TransactionBackup: { first_version: first, last_version: last, manifest } };
    const name = `transaction_${first}-${last}.meta`;
    const content = `${JSON.stringify(line)}\n`;
    files.set(name, { name, bytes: content.length, content, modified: 1_700_000_000_000 + at });
  }
  const index = await encodeIndex({ at: 1_700_000_000_000, files });
  expect(index.length).toBeLessThan(5_000_000);
  expect(await timeOfIndex(index.subarray(0, 16_384))).toBe(1_700_000_000_000);
  const read = await decodeIndex(index);
  expect(read.files.size).toBe(100_000);
  expect([...read.files.values()].slice(-2)).toEqual([...files.values()].slice(-2));
});
