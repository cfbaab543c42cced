/** Answers to reads that are no part of what was asked for. */
import { expect, it } from 'vitest';
import { openS3 } from '../../../src/storage/s3/open-s3.js';
import { BackupStorage } from '../../../src/storage/storage.js';
import { makeBucket, s3Server } from '../../support/s3-bucket.js';
import { type Fault, faultyProxy } from '../../support/servers/faulty-proxy.js';

const server = s3Server();
const CONTENT = Buffer.alloc(1_000_000, 'content ');
const HANDLE = 'a_backup/x.json';

/** A file behind a proxy that does each of these to one read after another, and then nothing. */
async function behind(...faults: Fault[]) {
  const bucket = await makeBucket(server);
  const direct = new BackupStorage(openS3(bucket.url('e1')));
  await direct.begin();
  const file = await direct.createFile(await direct.createBackup('a_backup'), 'x.json');
  await file.write(CONTENT);
  await file.publish();
  const proxy = await faultyProxy(server.endpoint, ({ method, path }) =>
    method === 'GET' && path.includes('x.json') ? faults.shift() : undefined,
  );
  return new BackupStorage(openS3(bucket.url('e1', '', proxy)));
}

const outage = {
  code: 'STORAGE_FAILED',
  retryable: true,
  message: expect.stringContaining('did not come from an S3 service') as string,
};

it('A page of a proxy is no content of a file.', async () => {
  const storage = await behind({ status: 200, body: '<html>Welcome</html>', headers: {} });
  await expect(storage.readAll(HANDLE, 2_000_000)).rejects.toMatchObject(outage);
  expect(CONTENT.equals(await storage.readAll(HANDLE, 2_000_000))).toBe(true);
});

it('A read that broke off goes on with the rest alone.', async () => {
  const all = { status: 200, body: CONTENT.toString(), headers: { etag: '"x"' } };
  const storage = await behind('cut answer', all);
  await expect(storage.readAll(HANDLE, 2_000_000)).rejects.toMatchObject(outage);
});
