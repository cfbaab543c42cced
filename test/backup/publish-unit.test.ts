/** A manifest is replaced only by who may still commit. */
import { expect, it } from 'vitest';
import { publishManifest } from '../../src/backup/publish-unit.js';
import { openStorage } from '../../src/storage/open.js';
import { storageFolder } from '../support/backup.js';

it('a manifest of another attempt is replaced under the lock, and left alone without it', async () => {
  const storage = openStorage({ local_fs_dir: storageFolder() });
  const folder = await storage.createBackup('a_backup');
  const signal = AbortSignal.timeout(60_000);
  const publish = (content: string, requireMay: () => Promise<void>) =>
    publishManifest(storage, folder, 'x.manifest', Buffer.from(content), requireMay, signal);
  const stored = async () =>
    Buffer.from(await storage.readAll('a_backup/x.manifest', 100)).toString();
  const lost = () => Promise.reject(new Error('the lock is lost'));

  await publish('first', lost);
  await publish('first', lost); // the same one is no other
  await expect(publish('second', lost)).rejects.toThrow('the lock is lost');
  expect(await stored()).toBe('first');
  await publish('second', () => Promise.resolve());
  expect(await stored()).toBe('second');
});
