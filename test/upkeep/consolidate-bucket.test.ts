/** Consolidation in a bucket. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readCatalog } from '../../src/repository/catalog.js';
import { openStorage } from '../../src/storage/open.js';
import { verifyStorage } from '../../src/verify/verify-storage.js';
import { copyToBucket } from '../support/bucket-copy.js';
import { consolidate } from '../support/consolidate.js';
import { makeBucket, s3Server } from '../support/s3-bucket.js';

const SMALL = join(import.meta.dirname, '..', 'fixtures', 'stock-batches', 'small');
const server = s3Server();

it('small batches in a bucket become a full one, and no upload is left', async () => {
  const bucket = await makeBucket(server);
  await copyToBucket(bucket, SMALL, 'backups/e1');
  const settings = { url: bucket.url() };
  const { outcomes } = await consolidate(openStorage(settings), { size: 800n });
  expect(outcomes).toMatchObject([{ status: 'committed', backups: 8, chunks: 17 }]);
  const { transactions } = await readCatalog(openStorage(settings));
  expect(transactions.map(({ lastVersion }) => lastVersion)).toEqual([0n, 800n]);
  const trust = { storage: settings, trustWaypoints: [] };
  const coverage = await verifyStorage(openStorage(settings), trust);
  expect(coverage).toMatchObject({ ok: true, findings: [], orphans: [] });
  expect(await bucket.pending()).toEqual([]);
});
