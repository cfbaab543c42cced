import { randomBytes } from 'node:crypto';
import { S3 } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { type SeaweedFs, S3_KEYS, startSeaweedFs } from './servers/seaweedfs.js';

/** An S3 server for all tests of a file, with the keys for it in the environment. */
export function s3Server(): SeaweedFs {
  let server: SeaweedFs | undefined;
  beforeAll(async () => {
    Object.assign(process.env, S3_KEYS);
    server = await startSeaweedFs();
  });
  afterAll(() => server?.close());
  const started = () => {
    if (!server) throw new Error('the S3 server was not started');
    return server;
  };
  return {
    get endpoint() {
      return started().endpoint;
    },
    kill: () => started().kill(),
    restart: () => started().restart(),
    close: () => started().close(),
  };
}

/** The bare SDK, for what a test does past our code. */
export function bareS3(endpoint: string): S3 {
  const s3 = bareClient(endpoint);
  onTestFinished(() => s3.destroy());
  return s3;
}

/** The same, for the caller to destroy. */
export function bareClient(endpoint: string): S3 {
  const [accessKeyId, secretAccessKey] = Object.values(S3_KEYS) as [string, string];
  return new S3({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
}

export interface Bucket {
  name: string;
  s3: S3;
  /** A URL of the storage below `prefix`, with more parameters such as `encoding=plain`. */
  url: (prefix?: string, parameters?: string, endpoint?: string) => string;
  /** Keys of all uploads that were begun and not completed. */
  pending: () => Promise<string[]>;
}

/** A bucket of its own for a test, or with a client `s3` for several. */
export async function makeBucket(
  { endpoint: address }: SeaweedFs,
  s3 = bareS3(address),
): Promise<Bucket> {
  const name = `test-${randomBytes(6).toString('hex')}`;
  await s3.createBucket({ Bucket: name });
  return {
    name,
    s3,
    url: (prefix = 'backups/e1', parameters = '', endpoint = address) =>
      `s3://${name}/${prefix}?endpoint=${endpoint}${parameters && `&${parameters}`}`,
    async pending() {
      const { Uploads = [] } = await s3.listMultipartUploads({ Bucket: name });
      return Uploads.map(({ Key }) => Key!);
    },
  };
}
