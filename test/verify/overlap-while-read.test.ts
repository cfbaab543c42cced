/** A verification that looks at the metadata while a consolidation exchanges lines. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { noVerifyTotals } from '../../src/contract/verify-totals.js';
import { readCatalog } from '../../src/repository/catalog.js';
import { openBackend } from '../../src/storage/registry.js';
import { BackupStorage } from '../../src/storage/storage.js';
import { concludeCoverage } from '../../src/verify/coverage.js';
import { WHOLE_STORAGE } from '../../src/verify/verify-storage.js';
import { consolidate } from '../support/consolidate.js';
import { StorageCopy } from '../support/storage-copy.js';
import { until } from '../support/until.js';

const SMALL = join(import.meta.dirname, '..', 'fixtures', 'stock-batches', 'small');
const FULL_LINE = 'metadata/transaction_1-800.meta';

/** The storage of a copy, which tells of each handle before anything is done with it. */
function storageOf(copy: StorageCopy, onCall: (handle: string) => void): BackupStorage {
  const backend = openBackend({ local_fs_dir: copy.folder });
  const told = new Proxy(backend, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== 'function') return value;
      const call = value.bind(target) as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        if (typeof args[0] === 'string') onCall(args[0]);
        return call(...args);
      };
    },
  });
  return new BackupStorage(told);
}

it('small lines that go while the line of their full batch is read are no overlap', async () => {
  const consolidated = new StorageCopy(SMALL);
  await consolidate(consolidated.storage, { size: 800n });
  const copy = new StorageCopy(SMALL);
  const small = readdirSync(copy.path('metadata')).filter((name) =>
    /^transaction_[1-9]/.test(name),
  );
  let read = 0;
  const storage = storageOf(copy, (handle) => {
    if (handle.startsWith('metadata/transaction')) read += 1;
    if (handle !== FULL_LINE) return;
    for (const name of small) rmSync(copy.path(`metadata/${name}`), { force: true });
  });
  await until('nothing is read again', async () => {
    read = 0;
    await readCatalog(storage);
    return read === 0;
  });
  const folder = consolidated.manifestOf(FULL_LINE).split('/')[0]!;
  copy.copyFrom(consolidated.path(folder), folder);
  copy.write(FULL_LINE, consolidated.read(FULL_LINE));
  const ending = { begunAt: Date.now(), frozen: {} };
  const { findings } = await concludeCoverage(storage, WHOLE_STORAGE, noVerifyTotals(), ending);
  expect(copy.has(`metadata/${small[0]!}`)).toBe(false);
  expect(findings.filter(({ code }) => code === 'OVERLAP')).toEqual([]);
});
