/** An index that is older than the metadata: it never makes a storage look as if it had fewer backups. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readCatalog } from '../../../src/repository/catalog.js';
import { IndexedBackend } from '../../../src/storage/index/indexed-backend.js';
import { openBackend } from '../../../src/storage/registry.js';
import { BackupStorage } from '../../../src/storage/storage.js';
import { STOCK, StorageCopy } from '../../support/storage-copy.js';

it('a file that it names without lines, and that a compaction has moved away since, is told and no hole', async () => {
  const copy = new StorageCopy(join(STOCK, 'stock-plain'));
  const [kept, moved] = ['transaction_101-200.meta', 'transaction_compacted_0-100.meta'];
  const names = [kept, moved, 'compaction_timestamps_5.meta'];
  const files = new Map(names.map((name) => [name, { name, bytes: 1 }]));
  const index = { at: 1_700_000_000_000, files: () => Promise.resolve(files) };
  const inner = openBackend({ local_fs_dir: copy.folder });
  const { transactions, damaged } = await readCatalog(
    new BackupStorage(new IndexedBackend(inner, index)),
  );
  expect(transactions).toMatchObject([{ source: `metadata/${kept}` }]);
  expect(damaged).toEqual([
    {
      object: `metadata/${moved}`,
      why: expect.stringMatching(/is gone.*aptos-backup repository index/) as string,
    },
  ]);
});
