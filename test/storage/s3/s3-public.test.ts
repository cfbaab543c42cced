/** A bucket that everybody may read, and only its owner write. */
import { afterEach, expect, it, vi } from 'vitest';
import { openS3 } from '../../../src/storage/s3/open-s3.js';
import { BackupStorage } from '../../../src/storage/storage.js';
import { makeBucket, s3Server } from '../../support/s3-bucket.js';

const server = s3Server();

afterEach(() => {
  vi.unstubAllEnvs();
});

it('A public bucket is read on a host without credentials, and not written.', async () => {
  const { s3, name, url } = await makeBucket(server);
  const resources = [`arn:aws:s3:::${name}`, `arn:aws:s3:::${name}/*`];
  const policy = {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: '*',
        Action: ['s3:GetObject', 's3:ListBucket'],
        Resource: resources,
      },
    ],
  };
  await s3.putBucketPolicy({ Bucket: name, Policy: JSON.stringify(policy) });
  await s3.putObject({ Bucket: name, Key: 'e1/metadata/one.meta', Body: '{1}\n' });
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, undefined);
  for (const name of ['AWS_SHARED_CREDENTIALS_FILE', 'AWS_CONFIG_FILE']) {
    vi.stubEnv(name, '/nowhere');
  }
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  const storage = new BackupStorage(openS3(url('e1', 'anonymous=true')));
  expect(await storage.listMetadata()).toEqual(['metadata/one.meta']);
  const content = await storage.readAll('metadata/one.meta', 10);
  expect(Buffer.from(content).toString()).toBe('{1}\n');
  expect(await storage.stat('metadata/two.meta')).toBeUndefined();
  const saving = storage.saveMetadata('two.meta', Buffer.from('{2}\n'));
  await expect(saving).rejects.toMatchObject({ code: 'DENIED' });
});

it('A bucket that is not public is refused without credentials, and the sentence says why.', async () => {
  const { url } = await makeBucket(server);
  const storage = new BackupStorage(openS3(url('e1', 'anonymous=true')));
  await expect(storage.listMetadata()).rejects.toMatchObject({
    code: 'DENIED',
    message: expect.stringContaining('not permitted') as string,
  });
});
