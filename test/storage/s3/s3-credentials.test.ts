import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import { openS3 } from '../../../src/storage/s3/open-s3.js';
import { BackupStorage } from '../../../src/storage/storage.js';
import { makeBucket, s3Server } from '../../support/s3-bucket.js';
import { faultyProxy } from '../../support/servers/faulty-proxy.js';
import { S3_KEYS } from '../../support/servers/seaweedfs.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { until } from '../../support/until.js';

const server = s3Server();

afterEach(() => {
  vi.unstubAllEnvs();
});

/** A program of a profile that gives the keys, but hangs when it is first asked. */
function giveProgram(): void {
  const folder = temporaryFolder('credentials');
  const program = join(folder, 'keys.sh');
  const hanging = join(folder, 'pid');
  const config = join(folder, 'config');
  const [AccessKeyId, SecretAccessKey] = Object.values(S3_KEYS);
  const keys = JSON.stringify({ Version: 1, AccessKeyId, SecretAccessKey });
  const hang = `if [ ! -e '${hanging}' ]; then echo $$ > '${hanging}'; exec sleep 600; fi`;
  writeFileSync(program, ['#!/bin/sh', hang, `echo '${keys}'`, ''].join('\n'), { mode: 0o755 });
  writeFileSync(config, `[default]\ncredential_process = ${program}\n`);
  vi.stubEnv('AWS_CONFIG_FILE', config);
  onTestFinished(() => {
    if (existsSync(hanging)) process.kill(Number(readFileSync(hanging, 'utf8')));
    rmSync(folder, { recursive: true, force: true });
  });
}

it('A program that hangs when it is asked for credentials is asked anew by the next request.', async () => {
  const { url } = await makeBucket(server);
  vi.stubEnv('AWS_ACCESS_KEY_ID', '');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', '');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere');
  vi.stubEnv('APTOS_BACKUP_STORAGE_SECONDS', '5');
  giveProgram();
  // Another address of the same server: a client of its own.
  const proxy = await faultyProxy(server.endpoint, () => undefined);
  const storage = new BackupStorage(openS3(url('e1', '', proxy)));
  await expect(storage.begin()).rejects.toMatchObject({ code: 'STORAGE_STALLED' });
  const isBegun = () =>
    storage.begin().then(
      () => true,
      () => false,
    );
  await until('it is asked anew', isBegun);
  expect(await storage.listFolders()).toEqual(['aptos-backup']);
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
