/** A bucket that lets nobody delete: what was to go stays, that is told, and nothing fails or is half removed. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readCatalog } from '../../../src/repository/catalog.js';
import { prunedSpans } from '../../../src/repository/pruned.js';
import { openStorage } from '../../../src/storage/open.js';
import { copyToBucket } from '../../support/bucket-copy.js';
import { makeBucket, s3Server } from '../../support/s3-bucket.js';
import { faultyProxy } from '../../support/servers/faulty-proxy.js';
import { STOCK } from '../../support/storage-copy.js';
import { gc, prune } from '../../support/upkeep.js';

const server = s3Server();
const EPOCH_3 = 'state_epoch_3_ver_138.901c';
const DENIED = {
  status: 403,
  body: '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>x</Message></Error>',
};

it('where deletes are denied nothing is retired or removed, and once they are allowed all of it is', async () => {
  const bucket = await makeBucket(server);
  await copyToBucket(bucket, join(STOCK, 'stock-plain'), 'e1');
  let isDenied = true;
  const proxy = await faultyProxy(server.endpoint, ({ method }) =>
    method === 'DELETE' && isDenied ? DENIED : undefined,
  );
  const storage = openStorage({ url: bucket.url('e1', '', proxy) });
  const rules = { keep_last: 1, force: true };
  expect(await prune('/not/used', rules, storage)).toBe(0);
  expect((await readCatalog(storage)).snapshots).toHaveLength(2);

  isDenied = false;
  expect(await prune('/not/used', rules, storage)).toBe(1);
  isDenied = true;
  const before = (await storage.listFolder(EPOCH_3)).length;
  expect(await gc('/not/used', { graceMs: 0 }, storage)).toMatchObject({
    ...{ removed_count: 0, denied: true },
  });
  expect(await storage.listFolder(EPOCH_3)).toHaveLength(before);
  isDenied = false;
  const done = await gc('/not/used', { graceMs: 0 }, storage);
  expect(done).toMatchObject({ removed: [{ folder: EPOCH_3 }], denied: false });
  expect(await storage.listFolder(EPOCH_3)).toEqual([]);
  expect((await readCatalog(storage)).snapshots).toHaveLength(1);
});

it('where only metadata may not be deleted, a prune retires nothing, and what is stored stays known', async () => {
  const bucket = await makeBucket(server);
  await copyToBucket(bucket, join(STOCK, 'stock-plain'), 'e1');
  const proxy = await faultyProxy(server.endpoint, ({ method, path }) =>
    method === 'DELETE' && path.includes('/metadata/') ? DENIED : undefined,
  );
  const storage = openStorage({ url: bucket.url('e1', '', proxy) });
  expect(await prune('/not/used', { keep_last: 1, force: true }, storage)).toBe(0);
  expect((await readCatalog(storage)).snapshots).toHaveLength(2);
  expect(await storage.stat('aptos-backup/known.json')).toBeDefined();
  // Nor is it given up: nobody would miss it then.
  expect(await prunedSpans(storage)).toEqual({ epochs: [], versions: [], snapshots: new Set() });
});
