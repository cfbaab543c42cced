/**
 * Files of transactions written to a bucket and read back through our storage, plain and with gzip, beside the bare SDK
 * that moves the same plain bytes. `npm run bench:storage`; BENCH_FILES and BENCH_FILE_MB set the size.
 */
import { randomBytes } from 'node:crypto';
import { S3 } from '@aws-sdk/client-s3';
import { startDevnode } from '../src/devnode/devnode.js';
import { forEachAtOnce } from '../src/lib/at-once.js';
import { openS3 } from '../src/storage/s3/open-s3.js';
import { BackupStorage } from '../src/storage/storage.js';
import { S3_KEYS, startSeaweedFs } from '../test/support/servers/seaweedfs.js';

const FILES = Number(process.env['BENCH_FILES'] ?? 16);
const FILE_BYTES = Number(process.env['BENCH_FILE_MB'] ?? 32) * 1024 * 1024;
const AT_ONCE = 4;
const PART_BYTES = 5 * 1024 * 1024;
const WRITE_BYTES = 1024 * 1024;
const ROUNDS = 3;
/** How much longer than the bare SDK we may take. */
const GOAL = 1.15;

Object.assign(process.env, S3_KEYS);
const server = await startSeaweedFs();
const s3 = new S3({ endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true });
const names = Array.from({ length: FILES }, (_, i) => `${i}-.chunk`);
const megabytes = (FILES * FILE_BYTES) / 1e6;
try {
  await s3.createBucket({ Bucket: 'bench' });
  const content = await contentOfFile();
  const row = (...cells: string[]) => console.log(cells.map((cell) => cell.padEnd(20)).join(''));
  row('', 'write', 'read', 'stored');
  const bare = await best(() => byBareSdk(content));
  row('bare SDK', speed(bare.write), speed(bare.read), '1.00');
  for (const parameters of ['encoding=plain', 'gzip_level=1', 'gzip_level=6', 'gzip_level=9']) {
    const ours = await best(() => byStorage(content, parameters));
    row(parameters, speed(ours.write), speed(ours.read), (ours.stored / bare.stored).toFixed(2));
    if (parameters !== 'encoding=plain') continue;
    const ratios = [ours.write / bare.write, ours.read / bare.read].map((each) => each.toFixed(2));
    row('  beside the bare', ...ratios, `goal ${GOAL}`);
  }
  row('peak memory', `${Math.round(process.resourceUsage().maxRSS / 1024)} MB`);
} finally {
  s3.destroy();
  await server.close();
}

interface Round {
  write: number;
  read: number;
  stored: number;
}

function speed(seconds: number): string {
  return `${seconds.toFixed(1)} s, ${(megabytes / seconds).toFixed(0)} MB/s`;
}

async function best(run: () => Promise<Round>): Promise<Round> {
  const rounds: Round[] = [];
  for (let i = 0; i < ROUNDS; i += 1) rounds.push(await run());
  const least = (of: (round: Round) => number) => Math.min(...rounds.map(of));
  return { write: least((r) => r.write), read: least((r) => r.read), stored: rounds[0]!.stored };
}

/** As a node serves it, as often as it takes. */
async function contentOfFile(): Promise<Buffer> {
  const node = await startDevnode({ transactions: 20_000 });
  const answer = await fetch(`${node.address}/transactions/0/20000`);
  const served = Buffer.from(await answer.arrayBuffer());
  await node.close();
  return Buffer.alloc(FILE_BYTES, served);
}

/** Reads twice: the memory that a write has left is given back in the first time. */
async function secondsToRead(work: () => Promise<void>): Promise<number> {
  await work();
  return seconds(work);
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}

async function byStorage(content: Buffer, parameters: string): Promise<Round> {
  const prefix = randomBytes(4).toString('hex');
  const url = `s3://bench/${prefix}?endpoint=${server.endpoint}&${parameters}`;
  const storage = new BackupStorage(openS3(url));
  await storage.begin();
  await storage.saveMetadata('identity.meta', Buffer.from('{}\n'));
  const folder = await storage.createBackup('a_backup');
  const write = await seconds(() =>
    forEachAtOnce(AT_ONCE, names, async (name) => {
      const file = await storage.createFile(folder, name);
      for (let at = 0; at < content.length; at += WRITE_BYTES) {
        await file.write(content.subarray(at, at + WRITE_BYTES));
      }
      await file.publish();
    }),
  );
  let bytes = 0;
  const read = await secondsToRead(() =>
    forEachAtOnce(AT_ONCE, names, async (name) => {
      for await (const part of storage.read(`${folder}/${name}`)) bytes += part.length;
    }),
  );
  if (bytes !== 2 * FILES * content.length) throw new Error('something else came back');
  const stored = (await storage.listFolder(folder)).reduce(
    (sum, each) => sum + Number(each.bytes),
    0,
  );
  await storage.removeFolder(folder);
  return { write, read, stored };
}

async function byBareSdk(content: Buffer): Promise<Round> {
  const Bucket = 'bench';
  const write = await seconds(() =>
    forEachAtOnce(AT_ONCE, names, async (Key) => {
      const { UploadId } = await s3.createMultipartUpload({
        Bucket,
        Key,
        ChecksumAlgorithm: 'CRC32',
      });
      const parts = Array.from({ length: Math.ceil(content.length / PART_BYTES) }, (_, i) => i);
      const Parts: { PartNumber: number; ETag: string; ChecksumCRC32: string }[] = [];
      await forEachAtOnce(2, parts, async (i) => {
        const Body = content.subarray(i * PART_BYTES, (i + 1) * PART_BYTES);
        const PartNumber = i + 1;
        const part = await s3.uploadPart({ Bucket, Key, UploadId, PartNumber, Body });
        Parts[i] = { PartNumber, ETag: part.ETag!, ChecksumCRC32: part.ChecksumCRC32! };
      });
      await s3.completeMultipartUpload({ Bucket, Key, UploadId, MultipartUpload: { Parts } });
    }),
  );
  const read = await secondsToRead(() =>
    forEachAtOnce(AT_ONCE, names, async (Key) => {
      const { Body } = await s3.getObject({ Bucket, Key });
      let bytes = 0;
      for await (const part of Body as AsyncIterable<Buffer>) bytes += part.length;
      if (bytes !== content.length) throw new Error('something else came back');
    }),
  );
  return { write, read, stored: FILES * content.length };
}
