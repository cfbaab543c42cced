/** Files on their way into a bucket: in parts, by one writer, and gone when nobody wants them any more. */
import { expect, it, onTestFinished, vi } from 'vitest';
import { openS3 } from '../../../src/storage/s3/open-s3.js';
import { BackupStorage } from '../../../src/storage/storage.js';
import { makeBucket, s3Server } from '../../support/s3-bucket.js';
import { until } from '../../support/until.js';
import { type Asked, type Fault, faultyProxy } from '../../support/servers/faulty-proxy.js';

const MB = 1_000_000;
const server = s3Server();

async function begun(parameters = 'encoding=plain') {
  const bucket = await makeBucket(server);
  const open = () => new BackupStorage(openS3(bucket.url('e1', parameters)));
  const storage = open();
  await storage.begin();
  const create = async (name: string, megabytes = 0, from = storage) => {
    const file = await from.createFile(await storage.createBackup('a_backup'), name);
    for (let i = 0; i < megabytes; i += 1) await file.write(new Uint8Array(MB).fill(i));
    return file;
  };
  return { ...bucket, open, storage, create };
}

it('A large file goes in parts, of which memory holds a few.', async () => {
  const { storage, create, pending } = await begun();
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  const file = await create('big.chunk');
  const piece = new Uint8Array(MB);
  for (let i = 0; i < 120; i += 1) {
    await file.write(piece.fill(i));
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  expect(await pending()).toEqual(['e1/a_backup/big.chunk']);
  expect(await storage.stat(file.handle)).toBeUndefined();
  expect(await file.publish()).toBe('created');
  const { bytes, stamp } = (await storage.stat(file.handle))!;
  expect(bytes).toBe(BigInt(120 * MB));
  expect(stamp).toMatch(/-23$/); // parts of 5 MiB
  expect(most).toBeLessThan(60 * MB);
  const content = await storage.readAll(file.handle, 120 * MB);
  const digits = Array.from({ length: 120 }, (_, i) => i);
  expect(digits.map((i) => content[i * MB])).toEqual(digits);
  expect(await pending()).toEqual([]);
});

it('All that is sent has a digest, also where the environment turns digests off.', async () => {
  onTestFinished(() => void vi.unstubAllEnvs());
  vi.stubEnv('AWS_REQUEST_CHECKSUM_CALCULATION', 'when_required');
  vi.stubEnv('AWS_RESPONSE_CHECKSUM_VALIDATION', 'when_required');
  const { url, storage, create } = await begun();
  const asked: Asked[] = [];
  const proxy = await faultyProxy(server.endpoint, (request) => {
    if (/_backup\//.test(request.path)) asked.push(request);
    return undefined;
  });
  const behind = new BackupStorage(openS3(url('e1', 'encoding=plain', proxy)));
  for (const [name, megabytes] of [
    ['small.chunk', 1],
    ['large.chunk', 6],
  ] as const) {
    expect(await (await create(name, megabytes, behind)).publish()).toBe('created');
  }
  const sent = asked.filter(({ method }) => method === 'PUT');
  expect(sent).toHaveLength(3); // an object, and two parts
  for (const { headers } of sent) expect(headers['x-amz-checksum-crc32']).toMatch(/^.{6}==$/);
  await behind.readAll('a_backup/small.chunk', MB);
  const { headers } = asked.at(-1)!;
  expect(headers['x-amz-checksum-mode']).toBe('ENABLED');
  expect(await storage.listFolder('a_backup')).toHaveLength(2);
});

it('A file that is given up leaves no upload, nor does one whose job was cancelled.', async () => {
  const { storage, create, pending } = await begun();
  const given = await create('given-up.chunk', 12);
  const stop = new AbortController();
  const cancelled = await create('cancelled.chunk', 12, storage.withSignal(stop.signal));
  expect(await pending()).toHaveLength(2);
  await given.discard();
  stop.abort(new Error('enough'));
  await expect(cancelled.publish()).rejects.toThrow('enough');
  await cancelled.discard();
  expect(await pending()).toEqual([]);
  expect(await storage.listFolder('a_backup')).toEqual([]);
});

it('A job that is cancelled while its upload begins leaves none.', async () => {
  const { open, storage, url, pending } = await begun();
  const stop = new AbortController();
  const proxy = await faultyProxy(server.endpoint, ({ path }) => {
    if (path.includes('uploads')) stop.abort(new Error('enough'));
    return undefined;
  });
  const behind = new BackupStorage(openS3(url('e1', '', proxy)), stop.signal);
  await storage.createBackup('a_backup');
  const file = await behind.createFile('a_backup', 'x.json'); // plain
  await expect(file.write(new Uint8Array(6 * MB))).rejects.toThrow('enough');
  await file.discard(); // does not wait for it
  await until('the upload is gone', async () => (await pending()).length === 0);
  expect(await open().listFolder('a_backup')).toEqual([]);
});

it('Writers that race with files of many parts leave one whole file, and the next one finds it.', async () => {
  const { storage, create, pending } = await begun();
  const files = await Promise.all(Array.from({ length: 4 }, () => create('race.chunk', 6)));
  const outcomes = await Promise.all(files.map((file) => file.publish()));
  // This server looks and completes in two steps, so two who complete at the same moment may both win.
  expect(outcomes).toContain('created');
  for (const file of files) await file.discard();
  expect(await pending()).toEqual([]);
  expect((await storage.stat('a_backup/race.chunk'))?.bytes).toBe(BigInt(6 * MB));
  const late = await create('race.chunk', 6);
  expect(await late.publish()).toBe('exists');
  await late.discard();
  expect(await pending()).toEqual([]);
});

it('A file of many parts replaces another when asked, also after its name was found taken.', async () => {
  const { storage, create, pending } = await begun();
  expect(await (await create('x.chunk', 1)).publish()).toBe('created');
  const second = await create('x.chunk', 7);
  expect(await second.publish()).toBe('exists');
  expect(await second.publish({ replace: true })).toBe('created');
  expect((await storage.stat('a_backup/x.chunk'))?.bytes).toBe(BigInt(7 * MB));
  expect(await pending()).toEqual([]);
});

it('Removing a folder ends what is on its way into it, and its writer is told.', async () => {
  const { storage, create, pending } = await begun();
  const file = await create('x.chunk', 6);
  await storage.removeFolder('a_backup');
  expect(await pending()).toEqual([]);
  await expect(file.publish()).rejects.toMatchObject({ code: 'FOLDER_GONE', retryable: true });
  await file.discard();
});

it('What a dead writer left is removed when it is old by the clock of the store.', async () => {
  const { storage, s3, name, url, pending } = await begun();
  await s3.createMultipartUpload({ Bucket: name, Key: 'e1/a_backup/dead.chunk' });
  await s3.createMultipartUpload({ Bucket: name, Key: 'e1/a_backup.other/dead.chunk' });
  await s3.createMultipartUpload({ Bucket: name, Key: 'other/a_backup/dead.chunk' });
  const young = { removed: 0, left: 1 };
  expect(await storage.removeLeftovers('a_backup')).toEqual(young);
  const before = new Date(Date.now() - 25 * 60 * 60_000).toISOString();
  const older = (status: number, body: string) => ({
    status,
    body: body.replace(/<Initiated>[^<]*/g, `<Initiated>${before}`),
  });
  const proxy = await faultyProxy(server.endpoint, () => ({ change: older }));
  const behind = new BackupStorage(openS3(url('e1', '', proxy)));
  expect(await behind.removeLeftovers('a_backup')).toEqual({ removed: 1, left: 0 });
  expect((await pending()).sort()).toEqual([
    'e1/a_backup.other/dead.chunk',
    'other/a_backup/dead.chunk',
  ]);
  await behind.requireFit(); // looks through the whole storage, and nowhere else
  expect(await pending()).toEqual(['other/a_backup/dead.chunk']);
});

it('Old uploads of other programs in the same bucket go on.', async () => {
  const { s3, name, pending } = await makeBucket(server);
  const before = new Date(Date.now() - 25 * 60 * 60_000).toISOString();
  const older = (status: number, body: string) => ({
    status,
    body: body.replace(/<Initiated>[^<]*/g, `<Initiated>${before}`),
  });
  const proxy = await faultyProxy(server.endpoint, () => ({ change: older }));
  // Without a prefix, the storage is the whole bucket.
  const storage = new BackupStorage(openS3(`s3://${name}?endpoint=${proxy}`));
  await storage.begin();
  const others = ['films/holidays.mp4', 'nightly.tar', 'nightly/db/dump.json'];
  for (const Key of [...others, 'a_backup/dead.chunk', 'aptos-backup/index.gz']) {
    await s3.createMultipartUpload({ Bucket: name, Key });
  }
  for (const folder of ['films', 'nightly']) {
    expect(await storage.removeLeftovers(folder)).toEqual({ removed: 0, left: 0 });
  }
  // Another address of the same server: it was not tried yet.
  const again = await faultyProxy(server.endpoint, () => ({ change: older }));
  await new BackupStorage(openS3(`s3://${name}?endpoint=${again}`)).requireFit();
  expect((await pending()).sort()).toEqual(others);
});

it('A commit removes also what is new.', async () => {
  const { storage, create, pending } = await begun();
  const file = await create('x.chunk', 6);
  expect(await storage.removeLeftovers('a_backup', 'all')).toEqual({ removed: 1, left: 0 });
  expect(await pending()).toEqual([]);
  await expect(file.publish()).rejects.toMatchObject({ code: 'FOLDER_GONE' });
  await file.discard();
});

it('A store that lets nobody end uploads keeps no commit from being made, and no folder is half removed.', async () => {
  const { storage, create, url, pending } = await begun();
  const stored = await create('x.chunk', 1);
  await stored.publish();
  const dead = await create('dead.chunk', 6);
  const denied: Fault = {
    status: 403,
    body: '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>x</Message></Error>',
  };
  const proxy = await faultyProxy(server.endpoint, ({ method, path }) =>
    method === 'DELETE' && path.includes('uploadId=') ? denied : undefined,
  );
  const behind = new BackupStorage(openS3(url('e1', '', proxy)));
  expect(await behind.removeLeftovers('a_backup', 'all')).toEqual({ removed: 0, left: 1 });
  await expect(behind.removeFolder('a_backup')).rejects.toMatchObject({
    code: 'DENIED',
    message: expect.stringContaining('right to end uploads') as string,
  });
  expect(await storage.stat('a_backup/x.chunk')).toBeDefined();
  expect(await pending()).toEqual(['e1/a_backup/dead.chunk']);
  await dead.discard();
});
