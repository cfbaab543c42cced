/** What a bucket holds beside backups, and listings of many pages or of none. */
import { expect, it } from 'vitest';
import { forEachAtOnce } from '../../../src/lib/at-once.js';
import { onRemark } from '../../../src/storage/remarks.js';
import { openS3 } from '../../../src/storage/s3/open-s3.js';
import { BackupStorage } from '../../../src/storage/storage.js';
import { type Bucket, makeBucket, s3Server } from '../../support/s3-bucket.js';
import { faultyProxy } from '../../support/servers/faulty-proxy.js';

const server = s3Server();
const LISTING = /list-type=2/;

async function withObjects(keys: string[], prefix = 'e1') {
  const bucket = await makeBucket(server);
  await put(bucket, keys);
  return { ...bucket, storage: new BackupStorage(openS3(bucket.url(prefix))) };
}

async function put({ s3, name }: Bucket, keys: string[]): Promise<void> {
  await forEachAtOnce(32, keys, async (Key) => {
    await s3.putObject({ Bucket: name, Key, Body: 'x' });
  });
}

it('A folder of 2,500 files is listed whole, and a top of 1,100 folders.', async () => {
  const files = Array.from({ length: 2_500 }, (_, i) => `e1/a_backup/${i}-.chunk`);
  const folders = Array.from({ length: 1_100 }, (_, i) => `e1/folder_${i}/x`);
  const { storage } = await withObjects([...files, ...folders]);
  const listed = await storage.listFolder('a_backup');
  expect(new Set(listed.map(({ handle }) => `e1/${handle}`))).toEqual(new Set(files));
  expect(await storage.listFolders()).toHaveLength(1_101);
});

it('Markers, hidden keys and keys of others are passed over, and named once.', async () => {
  const remarks: string[] = [];
  onRemark((text) => remarks.push(text));
  const { storage, s3, name } = await withObjects([
    ...['e1/metadata/one.meta', 'e1/metadata/.hidden', 'e1/a_backup/x.chunk', 'e1/.trash/x'],
    ...['e1/a_backup/1/2/3/4/5/6/7/8/9', 'e10/b_backup/x.chunk', 'e1.txt'],
  ]);
  for (const Key of ['e1/', 'e1/metadata/', 'e1/a_backup/']) {
    await s3.putObject({ Bucket: name, Key, ContentLength: 0 });
  }
  for (let i = 0; i < 2; i += 1) {
    expect((await storage.listFolders()).sort()).toEqual(['a_backup', 'metadata']);
    expect(await storage.listMetadata()).toEqual(['metadata/one.meta']);
    const handles = (await storage.listFolder('a_backup')).map(({ handle }) => handle);
    expect(handles).toEqual(['a_backup/x.chunk']);
  }
  expect(remarks).toHaveLength(1);
  expect(remarks[0]).toContain('folder markers, or keys of another program');
});

it('Names come back as they were written, whatever characters they have.', async () => {
  const names = ['a b', 'a+b', 'a%20b', 'ä€😀', 'a&b<c>', "it's"];
  const { storage } = await withObjects(
    names.map((name) => `e 1+%/a_backup/${name}`),
    'e%201+%25',
  );
  const handles = (await storage.listFolder('a_backup')).map(({ handle }) => handle);
  expect(handles.sort()).toEqual(names.map((name) => `a_backup/${name}`).sort());
  for (const handle of handles) expect((await storage.readAll(handle, 9)).length).toBe(1);
});

it('A storage at the top of a bucket is one, and a prefix without anything is none.', async () => {
  const { storage, url } = await withObjects(['metadata/one.meta', 'a_backup/x.chunk'], '');
  expect((await storage.listFolders()).sort()).toEqual(['a_backup', 'metadata']);
  expect((await storage.stat('a_backup/x.chunk'))?.bytes).toBe(1n);
  const none = new BackupStorage(openS3(url('a_bac')));
  await expect(none.listFolders()).rejects.toMatchObject({ code: 'STORAGE_MISSING' });
  await expect(none.listMetadata()).rejects.toMatchObject({ code: 'STORAGE_MISSING' });
  await expect(none.createBackup('b_backup')).rejects.toMatchObject({ code: 'FOLDER_GONE' });
});

it.each([
  ['a page of a proxy that says that all is well', '<html><body>Welcome</body></html>'],
  ['nothing at all', ''],
  [
    'a page that says that there is more, and not where',
    '<?xml version="1.0"?><ListBucketResult><Name>b</Name><IsTruncated>true</IsTruncated></ListBucketResult>',
  ],
])('%s is no empty listing', async (_, body) => {
  const { url } = await withObjects(['e1/metadata/one.meta']);
  const proxy = await faultyProxy(server.endpoint, ({ path }) =>
    LISTING.test(path) ? { status: 200, body } : undefined,
  );
  const storage = new BackupStorage(openS3(url('e1', '', proxy)));
  await expect(storage.listMetadata()).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
});

it('A listing whose second page fails is no listing of its first.', async () => {
  const keys = Array.from({ length: 1_001 }, (_, i) => `e1/metadata/${i}.meta`);
  const { url } = await withObjects(keys);
  const proxy = await faultyProxy(server.endpoint, ({ path }) =>
    path.includes('continuation-token') ? { status: 403, body: '' } : undefined,
  );
  const storage = new BackupStorage(openS3(url('e1', '', proxy)));
  await expect(storage.listMetadata()).rejects.toMatchObject({ code: 'DENIED' });
});
