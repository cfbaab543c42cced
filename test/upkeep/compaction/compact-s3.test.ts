/** Compaction in a bucket. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openStorage } from '../../../src/storage/open.js';
import { makeBucket, s3Server } from '../../support/s3-bucket.js';
import { STOCK } from '../../support/storage-copy.js';
import { FIRST_RUN, compacted, metadataIn, namedIn } from './support.js';

const server = s3Server();

it('in a bucket, it writes, reads back and moves as in a folder', async () => {
  const bucket = await makeBucket(server);
  const files = metadataIn(join(STOCK, 'stock-plain'));
  for (const [name, Body] of Object.entries(files)) {
    await bucket.s3.putObject({ Bucket: bucket.name, Key: `e1/metadata/${name}`, Body });
  }
  const storage = openStorage({ url: bucket.url('e1', 'encoding=plain') });
  const before = await namedIn(storage);
  expect(await compacted(storage)).toMatchObject({ written: 5, stamped: 9, left_alone_count: 0 });
  expect(await namedIn(storage)).toEqual(before);
  const moving = await compacted(storage, { at: FIRST_RUN + 2 });
  expect(moving).toMatchObject({ written: 0, kept: 5, moved: 9, left_alone_count: 0 });
  expect(await namedIn(storage)).toEqual(before);

  const theirs = metadataIn(join(STOCK, 'stock-compacted', 'after-run2'));
  for (const [name, content] of Object.entries(theirs)) {
    if (!name.includes('_compacted_')) continue;
    expect(Buffer.from(await storage.readAll(`metadata/${name}`, 10_000)).toString()).toBe(content);
  }
  const moved = await storage.listFolder('metadata_backup');
  expect(moved).toHaveLength(9);
});
