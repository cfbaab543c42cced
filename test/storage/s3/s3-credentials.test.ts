import { afterEach, expect, it, vi } from 'vitest';
import { openS3 } from '../../../src/storage/s3/open-s3.js';
import { BackupStorage } from '../../../src/storage/storage.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

it('A token of a workload that is not there is told of as such, and not as a network that is down.', async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', '');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', '');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere');
  vi.stubEnv('AWS_CONFIG_FILE', '/nowhere');
  vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', '/nowhere/token');
  vi.stubEnv('AWS_ROLE_ARN', 'arn:aws:iam::123456789012:role/backups');
  const storage = new BackupStorage(openS3('s3://bucket/e1?endpoint=http://127.0.0.1:9'));
  await expect(storage.listFolders()).rejects.toMatchObject({
    code: 'DENIED',
    message: expect.stringContaining('check AWS_WEB_IDENTITY_TOKEN_FILE') as string,
  });
});
