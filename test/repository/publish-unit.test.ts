/** A commit replaces no file that somebody else has committed. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { encodeMetadataLine } from '../../src/aptos/index.js';
import { readCatalog } from '../../src/repository/catalog.js';
import { publishManifest, publishMetadata } from '../../src/repository/publish-unit.js';
import { openStorage } from '../../src/storage/open.js';
import { storageFolder } from '../support/backup.js';

it('a manifest of another attempt is replaced under the lock, and left alone without it', async () => {
  const storage = openStorage({ local_fs_dir: storageFolder() });
  const folder = await storage.createBackup('a_backup');
  const publish = (content: string, requireMay: () => Promise<void>) =>
    publishManifest(storage, folder, 'x.manifest', Buffer.from(content), requireMay);
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

it('a metadata file with very many lines is left where it is', async () => {
  const root = storageFolder();
  const storage = openStorage({ local_fs_dir: root });
  for (const folder of ['metadata', 'a_backup']) mkdirSync(join(root, folder));
  writeFileSync(join(root, 'a_backup/transaction.manifest'), '{}');
  const line = (number: number, manifest: string) => ({
    ...{ type: 'TransactionBackup' as const, manifest },
    ...{ firstVersion: BigInt(number * 10), lastVersion: BigInt(number * 10 + 9) },
  });
  const lines = Array.from({ length: 12_000 }, (_, i) =>
    encodeMetadataLine(line(i + 1, 'a_backup/transaction.manifest')),
  );
  writeFileSync(join(root, 'metadata/transaction_0-9.meta'), Buffer.concat(lines));
  const late = publishMetadata(storage, line(0, 'b_backup/transaction.manifest'));
  await expect(late).rejects.toMatchObject({ code: 'RANGE_COMMITTED' });
  expect((await readCatalog(storage)).transactions).toHaveLength(12_000);
});
