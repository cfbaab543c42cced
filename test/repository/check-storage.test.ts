/** What `check` finds out about a storage, and that it leaves nothing there. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StorageConfig } from '../../src/contract/job.js';
import { type Check, checkStorage, isFit } from '../../src/repository/check-storage.js';
import { openScratch } from '../../src/repository/scratch-storage.js';
import type { FileWriter, StorageBackend } from '../../src/storage/backend.js';
import { LocalBackend } from '../../src/storage/local/local-backend.js';
import { openBackend } from '../../src/storage/registry.js';
import { storageFolder } from '../support/backup.js';
import { makeBucket, s3Server } from '../support/s3-bucket.js';

async function checked(
  settings: Parameters<typeof openScratch>[0],
  open: (settings: StorageConfig) => StorageBackend = openBackend,
): Promise<Check[]> {
  return checkStorage(await openScratch(settings, open));
}

const failed = (checks: Check[]) => checks.filter(({ can }) => can !== 'yes');

it('a local folder is fit, and nothing is left in it, nor the folder where there was none', async () => {
  const folder = storageFolder();
  expect(failed(await checked({ local_fs_dir: folder }))).toEqual([]);
  expect(readdirSync(folder)).toEqual([]);
  const deeper = join(folder, 'not/there/yet');
  expect(failed(await checked({ local_fs_dir: deeper }))).toEqual([]);
  expect(readdirSync(folder)).toEqual([]);
});

it('a place that nobody can write to is told, and the rest is not tried', async () => {
  await expect(openScratch({ local_fs_dir: '/proc/nothing/here' })).rejects.toThrow(
    'cannot make /proc/nothing/here',
  );
  const checks = await checked({ local_fs_dir: '/proc/1/fdinfo' });
  expect(isFit(checks)).toBe(false);
  expect(checks[0]).toMatchObject({ what: 'write into the place', can: 'no' });
  expect(checks.slice(1).every(({ can }) => can === 'not tried')).toBe(true);
});

/** A store that does not know conditions: it replaces whatever is there, and says that it made it. */
class Unconditional extends LocalBackend {
  override async create(...args: Parameters<LocalBackend['create']>): Promise<FileWriter> {
    const writer = await super.create(...args);
    return {
      handle: writer.handle,
      write: (bytes) => writer.write(bytes),
      publish: () => writer.publish({ replace: true }),
      discard: () => writer.discard(),
    };
  }
}

/** A store whose listing ends with its first page. */
class OnePage extends LocalBackend {
  override async list(...args: Parameters<LocalBackend['list']>) {
    return (await super.list(...args)).slice(0, 1000);
  }
}

it.each([
  ['ignores conditions', Unconditional, 'create a file only where there is none'],
  ['lists one page alone', OnePage, 'list more than a page (1050 files)'],
])('a store that %s is found out', async (_, Backend, what) => {
  const open = (settings: StorageConfig) =>
    new Backend('local_fs_dir' in settings ? settings.local_fs_dir : '');
  const folder = storageFolder();
  const checks = failed(await checked({ local_fs_dir: folder }, open));
  expect(checks).toContainEqual(expect.objectContaining({ what, can: 'no' }));
  expect(readdirSync(folder)).toEqual([]);
});

it('a store where nothing can be removed is fit all the same, and the check says what stays', async () => {
  const settings = { local_fs_dir: storageFolder() };
  const scratch = await openScratch(settings);
  const remove = () => Promise.reject(new Error('locked for 30 days'));
  const checks = await checkStorage({ ...scratch, remove });
  expect(failed(checks)).toMatchObject([{ what: 'remove files', can: 'no', needed: false }]);
  expect(failed(checks)[0]!.means).toContain('locked for 30 days');
  expect(isFit(checks)).toBe(true);
});

describe('a bucket', () => {
  const server = s3Server();

  it('is fit, and nothing is left in it', async () => {
    const bucket = await makeBucket(server);
    expect(failed(await checked({ url: bucket.url() }))).toEqual([]);
    expect((await bucket.s3.listObjectsV2({ Bucket: bucket.name })).KeyCount).toBe(0);
    expect(await bucket.pending()).toEqual([]);
  });

  it('that is not there is told, and the rest is not tried', async () => {
    const bucket = await makeBucket(server);
    await bucket.s3.deleteBucket({ Bucket: bucket.name });
    const [first, ...others] = await checked({ url: bucket.url() });
    expect(first).toMatchObject({ can: 'no' });
    expect(first!.means).toContain(bucket.name);
    expect(others.every(({ can }) => can === 'not tried')).toBe(true);
  });
});
