/** Small batches of the real tool become the batch that the real tool made of the same transactions. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readCatalog } from '../../src/repository/catalog.js';
import { readRetired } from '../../src/repository/retired.js';
import { DAY_MS, consolidate } from '../support/consolidate.js';
import { StorageCopy } from '../support/storage-copy.js';

const DATA = join(import.meta.dirname, '..', 'fixtures', 'stock-batches');
const FULL = join(DATA, 'full', 'transaction_1-.61e1');
const WAYPOINT = readFileSync(join(DATA, 'waypoint.txt'), 'utf8').trim();

it('the full batch has the files of the stock tool, chunk by chunk and proof by proof', async () => {
  const copy = new StorageCopy(join(DATA, 'small'));
  const { outcomes } = await consolidate(copy.storage, { size: 800n });
  expect(outcomes).toMatchObject([{ status: 'committed', backups: 8, chunks: 17 }]);
  const { transactions, damaged } = await readCatalog(copy.storage);
  expect(transactions.map(({ firstVersion, lastVersion }) => [firstVersion, lastVersion])).toEqual([
    [0n, 0n],
    [1n, 800n],
  ]);
  expect(damaged).toEqual([]);
  const folder = transactions[1]!.manifest.split('/')[0]!;
  for (const name of readdirSync(FULL).filter((file) => !file.endsWith('.manifest'))) {
    const ours = copy.read(`${folder}/${name}`);
    expect(Buffer.compare(ours, readFileSync(join(FULL, name))), name).toBe(0);
  }
  const coverage = await copy.verify([WAYPOINT]);
  expect(coverage).toMatchObject({ ok: true, findings: [], orphans: [] });
  expect(coverage.restorable_by_stock).toMatchObject({ yes: false }); // it has no snapshot
  const note = await readRetired(copy.storage, 'transaction_201-.93aa');
  expect(note).toMatchObject({
    manifest: 'transaction_201-.93aa/transaction.manifest',
    metadata: 'metadata/transaction_201-300.meta',
    kind: 'transaction',
    first: 201n,
    last: 300n,
    why: 'consolidated',
    replacedBy: `${folder}/transaction.manifest`,
  });
  expect(note!.notBefore - note!.retiredAt).toBe(DAY_MS);
  expect(copy.has('metadata_backup/transaction_201-300.meta')).toBe(true);
});
