/** A store that says that it stored what it did not: found before the commit, so that nothing counts as backed up. */
import { expect, it } from 'vitest';
import { openStorage } from '../../src/storage/open.js';
import { backUp, devnode, storageFolder } from '../support/backup.js';
import { makeBucket, s3Server } from '../support/s3-bucket.js';
import { type Asked, type Fault, faultyProxy } from '../support/servers/faulty-proxy.js';

const server = s3Server();

const isChunk = ({ method, path }: Asked) => method === 'PUT' && /\/e1\/.*\.chunk\?/.test(path);
/** The answer to a PUT that was done. */
const done: Fault = { status: 200, headers: { etag: '"0123456789abcdef0123456789abcdef"' } };

async function epochs({ keepsChunks }: { keepsChunks: boolean }) {
  const node = await devnode({ transactions: 200, stateItems: 50, epochs: 2 });
  const bucket = await makeBucket(server);
  const proxy = await faultyProxy(server.endpoint, (asked) =>
    !keepsChunks && isChunk(asked) ? done : undefined,
  );
  return {
    bucket,
    direct: openStorage({ url: bucket.url('e1') }),
    setup: {
      node: node.address,
      folder: storageFolder(),
      storage: { url: bucket.url('e1', '', proxy) },
      target: { type: 'epoch_ending' as const, start_epoch: 0, end_epoch: 2 },
    },
  };
}

const lines = async (storage: ReturnType<typeof openStorage>) =>
  (await storage.listMetadata()).filter((handle) => !handle.endsWith('identity.meta'));

it('A store that says yes to a chunk and keeps nothing is found out, and no metadata line names the backup.', async () => {
  const { setup, direct } = await epochs({ keepsChunks: false });
  await expect(backUp(setup)).rejects.toThrow(/\.chunk/);
  expect(await lines(direct)).toEqual([]);
});

it.each([
  ['half of it', (length: number) => length >> 1],
  ['an empty object', () => 0],
])('A store that kept only %s of a chunk is found out before the commit.', async (_, kept) => {
  const { setup, direct, bucket } = await epochs({ keepsChunks: true });
  const { s3, name: Bucket } = bucket;
  const cut = async () => {
    const { Contents = [] } = await s3.listObjectsV2({ Bucket, Prefix: 'e1/' });
    const Key = Contents.map((one) => one.Key!).find((key) => key.endsWith('.chunk'))!;
    const { Body } = await s3.getObject({ Bucket, Key });
    const bytes = await Body!.transformToByteArray();
    await s3.putObject({ Bucket, Key, Body: bytes.subarray(0, kept(bytes.length)) });
  };
  await expect(backUp({ ...setup, beforeCommit: cut })).rejects.toThrow(/\.chunk/);
  expect(await lines(direct)).toEqual([]);
});
