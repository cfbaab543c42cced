/** The stores that `storage.ts` measures. Each moves bytes without us, too: by the SDK of its vendor; of GCS, by its API. */
import { S3 } from '@aws-sdk/client-s3';
import { ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { forEachAtOnce } from '../src/lib/at-once.js';
import { startAzurite } from '../test/support/servers/azurite.js';
import { startFakeGcs } from '../test/support/servers/fake-gcs.js';
import { S3_KEYS, startSeaweedFs } from '../test/support/servers/seaweedfs.js';

/** A server with a bucket, and a client of it that is not ours. */
export interface BareStore {
  /** Of our storage below a prefix of the same bucket. */
  url: (prefix: string, parameters: string) => string;
  write: (name: string, content: Buffer) => Promise<void>;
  read: (name: string) => Promise<AsyncIterable<unknown>>;
  close: () => Promise<void>;
}

const BUCKET = 'bench';
const S3_PART_BYTES = 5 * 1024 * 1024;
const BLOCK_BYTES = 8 * 1024 * 1024;
const IN_FLIGHT = 2;

const STORES: Readonly<Record<string, () => Promise<BareStore>>> = {
  s3: startS3,
  gcs: startGcs,
  azure: startAzure,
};

/** The stores that BENCH_STORES names, such as `s3,azure`; all without it. */
export function storesToMeasure(): string[] {
  return process.env['BENCH_STORES']?.split(',') ?? Object.keys(STORES);
}

export async function startStore(name: string): Promise<BareStore> {
  const start = STORES[name];
  if (!start) throw new Error(`BENCH_STORES must name some of ${Object.keys(STORES).join(', ')}`);
  return start();
}

async function startS3(): Promise<BareStore> {
  Object.assign(process.env, S3_KEYS);
  const server = await startSeaweedFs();
  const s3 = new S3({ endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true });
  await s3.createBucket({ Bucket: BUCKET });
  return {
    url: (prefix, parameters) =>
      `s3://${BUCKET}/${prefix}?endpoint=${server.endpoint}&${parameters}`,
    write: (name, content) => writeToS3(s3, name, content),
    async read(name) {
      const { Body } = await s3.getObject({ Bucket: BUCKET, Key: name });
      return Body as AsyncIterable<unknown>;
    },
    async close() {
      s3.destroy();
      await server.close();
    },
  };
}

async function writeToS3(s3: S3, Key: string, content: Buffer): Promise<void> {
  const ids = { Bucket: BUCKET, Key };
  const { UploadId } = await s3.createMultipartUpload({ ...ids, ChecksumAlgorithm: 'CRC32' });
  const parts = Array.from({ length: Math.ceil(content.length / S3_PART_BYTES) }, (_, i) => i);
  const Parts: { PartNumber: number; ETag: string; ChecksumCRC32: string }[] = [];
  await forEachAtOnce(IN_FLIGHT, parts, async (i) => {
    const Body = content.subarray(i * S3_PART_BYTES, (i + 1) * S3_PART_BYTES);
    const PartNumber = i + 1;
    const part = await s3.uploadPart({ ...ids, UploadId, PartNumber, Body });
    Parts[i] = { PartNumber, ETag: part.ETag!, ChecksumCRC32: part.ChecksumCRC32! };
  });
  await s3.completeMultipartUpload({ ...ids, UploadId, MultipartUpload: { Parts } });
}

async function startGcs(): Promise<BareStore> {
  const server = await startFakeGcs();
  await server.makeBucket(BUCKET);
  const ask = async (path: string, init?: RequestInit) => {
    const answer = await fetch(`${server.endpoint}${path}`, init);
    if (!answer.ok) throw new Error(`${path} was answered with ${answer.status}`);
    return answer;
  };
  return {
    url: (prefix, parameters) =>
      `gs://${BUCKET}/${prefix}?anonymous=true&endpoint=${server.endpoint}&${parameters}`,
    async write(name, content) {
      const path = `/upload/storage/v1/b/${BUCKET}/o?uploadType=media&name=${name}`;
      const answer = await ask(path, { method: 'POST', body: new Uint8Array(content) });
      await answer.arrayBuffer();
    },
    async read(name) {
      const { body } = await ask(`/storage/v1/b/${BUCKET}/o/${name}?alt=media`);
      return body as unknown as AsyncIterable<unknown>;
    },
    close: () => server.close(),
  };
}

async function startAzure(): Promise<BareStore> {
  const server = await startAzurite();
  const { endpoint, account, key } = server;
  process.env['AZURE_STORAGE_KEY'] = key;
  const credential = new StorageSharedKeyCredential(account, key);
  const container = new ContainerClient(`${endpoint}/${BUCKET}`, credential);
  await container.create();
  return {
    url: (prefix, parameters) =>
      `azblob://${account}/${BUCKET}/${prefix}?endpoint=${endpoint}&${parameters}`,
    async write(name, content) {
      const options = {
        blockSize: BLOCK_BYTES,
        maxSingleShotSize: BLOCK_BYTES,
        concurrency: IN_FLIGHT,
      };
      await container.getBlockBlobClient(name).uploadData(content, options);
    },
    async read(name) {
      const { readableStreamBody } = await container.getBlobClient(name).download();
      return readableStreamBody as unknown as AsyncIterable<unknown>;
    },
    close: () => server.close(),
  };
}
