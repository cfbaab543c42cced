/** Unfinished files do not stay in a storage after trouble. */
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, renameSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LocalBackend } from '../../../src/storage/local/local-backend.js';
import { OWNER } from '../../../src/storage/local/local-owner.js';
import { openStorage } from '../../../src/storage/open.js';
import { backUp, devnode, leftovers, storageFolder } from '../../support/backup.js';
import { until } from '../../support/until.js';

it('a file that was given up while the storage was away is removed when the storage is back', async () => {
  const root = join(storageFolder(), 'storage');
  mkdirSync(root);
  const storage = openStorage({ local_fs_dir: root });
  const file = await storage.createFile(await storage.createBackup('a_backup'), 'x.chunk');
  await file.write(Buffer.from('content'));
  renameSync(root, `${root}.away`);
  await expect(file.publish()).rejects.toMatchObject({ code: 'FOLDER_GONE' });
  await file.discard();
  renameSync(`${root}.away`, root);
  expect(leftovers(root)).toHaveLength(1);
  await until('it is removed', () => leftovers(root).length === 0);
});

it('what a probe leaves while the storage is away is removed when the storage is back', async () => {
  const root = join(storageFolder(), 'storage');
  mkdirSync(root);
  const watcher = watch(root);
  const begun = once(watcher, 'change');
  const probe = new LocalBackend(root).probe({
    signal: new AbortController().signal,
    progress: () => undefined,
  });
  await begun;
  watcher.close();
  renameSync(root, `${root}.away`);
  await expect(probe).rejects.toMatchObject({ retryable: true });
  renameSync(`${root}.away`, root);
  expect(leftovers(root).length).toBeGreaterThan(0);
  await until('it is removed', () => leftovers(root).length === 0);
});

it('a commit removes the unfinished files of earlier attempts, even of living processes', async () => {
  const node = await devnode();
  const [before, folder] = [storageFolder(), storageFolder()];
  const target = { type: 'transaction', start_version: 0, num_transactions: 100 } as const;
  await backUp({ node: node.address, folder: before, target });
  const unit = readdirSync(before).find((name) => name.startsWith('transaction_'))!;
  mkdirSync(join(folder, unit));
  const left = join(folder, unit, `.${OWNER}-${process.ppid}-abc.part`);
  writeFileSync(left, 'half');
  await backUp({ node: node.address, folder, target });
  expect(existsSync(join(folder, unit, 'transaction.manifest'))).toBe(true);
  expect(leftovers(folder)).toEqual([]);
});
