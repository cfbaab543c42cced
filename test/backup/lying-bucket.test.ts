/** A store that says that it stored what it did not: found before the commit, so that nothing counts as backed up. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { expect, it } from 'vitest';
import { openStorage } from '../../src/storage/open.js';
import { backUp, devnode, storageFolder } from '../support/backup.js';
import { listen } from '../support/listen.js';
import { type Bucket, makeBucket, s3Server } from '../support/s3-bucket.js';
import {
  type Asked,
  type Fault,
  answerThrough,
  faultyProxy,
} from '../support/servers/faulty-proxy.js';

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

/** A store that keeps something else of some files than it was sent, from the start, and says yes. */
async function lyingStore(
  { s3, name: Bucket }: Bucket,
  files: RegExp,
  kept: (body: Buffer) => Buffer,
  etagOf: (body: Buffer) => string,
): Promise<string> {
  const proxy = createServer((asked, answer) => {
    const [path = ''] = asked.url!.split('?');
    if (asked.method !== 'PUT' || !files.test(path)) {
      answerThrough(server.endpoint, asked, answer, () => undefined);
      return;
    }
    const parts: Buffer[] = [];
    asked.on('data', (part: Buffer) => parts.push(part));
    asked.once('end', () => {
      const body = Buffer.concat(parts);
      const Key = decodeURIComponent(path).split('/').slice(2).join('/');
      void s3
        .putObject({ Bucket, Key, Body: kept(body) })
        .then(() => answer.writeHead(200, { etag: `"${etagOf(body)}"` }).end());
    });
  });
  return listen(proxy);
}

const half = (body: Buffer) => body.subarray(0, body.length >> 1);
const flipped = (body: Buffer) => {
  const other = Buffer.from(body);
  const at = body.length >> 1;
  other.writeUInt8(body.readUInt8(at) ^ 1, at);
  return other;
};
const md5 = (body: Buffer) => createHash('md5').update(body).digest('hex');
/** As with keys of a KMS: it says nothing of the content. */
const opaque = () => '0123456789abcdef0123456789abcdef';

it.each([
  ['half of a chunk, and says that it has all of it', /\.chunk$/, half, md5],
  ['a chunk with another bit, and does not say what it has', /\.chunk$/, flipped, opaque],
  ['half of a manifest', /\.manifest$/, half, md5],
  ['half of a metadata line', /metadata\/epoch_ending.*\.meta$/, half, md5],
])(
  'A store that keeps %s is found out before the backup counts.',
  async (_, files, kept, etagOf) => {
    const { setup, direct, bucket } = await epochs({ keepsChunks: true });
    const proxy = await lyingStore(bucket, files, kept, etagOf);
    const storage = { url: bucket.url('e1', '', proxy) };
    await expect(backUp({ ...setup, storage })).rejects.toThrow(/\.(chunk|manifest|meta)/);
    expect(await lines(direct)).toEqual([]);
    // With the same files, once the store is honest.
    await backUp(setup);
    expect(await lines(direct)).toHaveLength(1);
  },
);

it('A store that keeps half of the root proof of a snapshot is found out before the backup counts.', async () => {
  const { setup, direct, bucket } = await epochs({ keepsChunks: true });
  const proxy = await lyingStore(bucket, /\/state\.proof$/, half, md5);
  const snapshot = { ...setup, target: { type: 'state_snapshot' as const, epoch: 1 } };
  const storage = { url: bucket.url('e1', '', proxy) };
  await expect(backUp({ ...snapshot, storage })).rejects.toThrow('state.proof');
  expect(await lines(direct)).toEqual([]);
  await backUp(snapshot);
  expect(await lines(direct)).toHaveLength(1);
});
