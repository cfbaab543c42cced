import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { forEachAtOnce } from '../../../src/lib/at-once.js';
import { openGcs } from '../../../src/storage/gcs/open-gcs.js';
import { BackupStorage } from '../../../src/storage/storage.js';
import {
  anyCall,
  gcsServer,
  getObject,
  listAll,
  makeGcsBucket,
  proxyBefore,
  putObject,
} from '../../support/gcs-bucket.js';

const server = gcsServer();

it('a listing has all of 2,500 objects, in pages; or it is an error', async () => {
  const { store } = await makeGcsBucket(server);
  const keys = Array.from({ length: 2_500 }, (_, i) => `a/${`${i}`.padStart(4, '0')}.chunk`);
  await forEachAtOnce(16, keys, async (key) => {
    await putObject(store(), key, Buffer.from(key));
  });
  const { endpoint, asked } = await proxyBefore(server);
  expect(await listAll(store(endpoint))).toEqual(keys);
  expect(await listAll(store(endpoint), 'a/24')).toEqual(keys.slice(2_400));
  expect(asked.filter(({ path }) => path.includes('pageToken='))).toHaveLength(2);

  const broken = await proxyBefore(server, (_, number) =>
    number === 3 ? { status: 403 } : undefined,
  );
  await expect(listAll(store(broken.endpoint))).rejects.toMatchObject({ code: 'DENIED' });
  const page = '{"nextPageToken":"again"}';
  const circling = await proxyBefore(server, () => ({ status: 200, body: page }));
  await expect(listAll(store(circling.endpoint))).rejects.toThrow('the same page again');
});

it('folders are listed by what stands before the next slash, and what is directly there', async () => {
  const gcs = (await makeGcsBucket(server)).store();
  for (const key of ['a/x.chunk', 'a/y.chunk', 'b/x.chunk', 'top.json']) {
    await putObject(gcs, key, Buffer.from(key));
  }
  for await (const page of gcs.list('', { delimited: true }, anyCall())) {
    expect(page.folders).toEqual(['a', 'b']);
    expect(page.objects.map(({ key, bytes }) => ({ key, bytes }))).toEqual([
      { key: 'top.json', bytes: 8n },
    ]);
  }
});

it('objects of others are passed over: folder markers, other names, other prefixes', async () => {
  const { store, url } = await makeGcsBucket(server);
  const storage = new BackupStorage(openGcs(url()));
  await storage.begin();
  await putObject(store(), 'a_backup/x.chunk', Buffer.from('content'));
  for (const key of ['', 'a_backup/', 'marker/', 'a_backup/a\\b.txt', '.hidden/x', 'x/../y']) {
    await putObject(store(), key, Buffer.alloc(0));
  }
  await storage.saveMetadata('one.meta', Buffer.from('{1}\n'));
  expect(await storage.listFolder('a_backup')).toMatchObject([{ handle: 'a_backup/x.chunk' }]);
  expect((await storage.listFolders()).sort()).toEqual(['a_backup', 'aptos-backup', 'metadata']);
  const beside = new BackupStorage(openGcs(url('backups/e')));
  await expect(beside.listFolders()).rejects.toMatchObject({ code: 'STORAGE_MISSING' });
});

it('a bucket that is not there is named, and never made', async () => {
  const { url } = await makeGcsBucket(server);
  const wrong = url().replace('gs://bucket-', 'gs://basket-');
  const storage = new BackupStorage(openGcs(wrong));
  await expect(storage.begin()).rejects.toMatchObject({
    code: 'STORAGE_MISSING',
    message: expect.stringMatching(
      /^bucket gs:\/\/basket-.* is not there .*name of the bucket/,
    ) as string,
  });
  await expect(storage.listFolders()).rejects.toMatchObject({ code: 'STORAGE_MISSING' });
});

it('an object that somebody stored with a Content-Encoding comes as it is stored', async () => {
  const { name, store, url } = await makeGcsBucket(server);
  const line = '{"Identity":{"id":"00"}}\n';
  const stored = gzipSync(line);
  const key = encodeURIComponent('backups/e1/metadata/identity.meta');
  const path = `/upload/storage/v1/b/${name}/o?uploadType=media&name=${key}&contentEncoding=gzip`;
  const put = await fetch(server.endpoint + path, { method: 'POST', body: stored });
  expect(put.ok).toBe(true);
  expect((await getObject(store(), 'metadata/identity.meta')).equals(stored)).toBe(true);
  const read = await new BackupStorage(openGcs(url())).readAll('metadata/identity.meta', 100);
  expect(Buffer.from(read).toString()).toBe(line);
});
