/** A bucket that the stock tool's gzip adapter filled, as operators have them: read, extended and verified. */
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { openStorage } from '../../src/storage/open.js';
import { WHOLE_STORAGE, verifyStorage } from '../../src/verify/verify-storage.js';
import { backUp, storageFolder } from '../support/backup.js';
import { copyToBucket } from '../support/bucket-copy.js';
import { type Bucket, makeBucket, s3Server } from '../support/s3-bucket.js';
import { stockNode } from '../support/stock-node.js';
import { STOCK, StorageCopy } from '../support/storage-copy.js';

const server = s3Server();
const PREFIX = 'team/mainnet/e1';

/** The fixture without its last batch, below a prefix of several levels, with what others left in the bucket. */
async function stockBucket(kind: 'stock-gzip' | 'stock-plain') {
  const s = new StorageCopy(join(STOCK, kind));
  const last = s.files().find((file) => file.startsWith('transaction_201-'))!;
  s.remove(last.split('/')[0]!);
  s.remove('metadata/transaction_201-250.meta');
  const bucket = await makeBucket(server);
  await copyToBucket(bucket, s.folder, PREFIX);
  const { s3, name: Bucket } = bucket;
  for (const marker of ['', 'metadata/', 'old/']) {
    await s3.putObject({ Bucket, Key: `${PREFIX}/${marker}`, ContentLength: 0 });
  }
  for (const Key of ['team/readme.txt', `${PREFIX}/notes.txt`, `${PREFIX}2/metadata/x.meta`]) {
    await s3.putObject({ Bucket, Key, Body: 'not ours' });
  }
  return bucket;
}

/** By key, the ETag of each object. */
async function etags({ s3, name }: Bucket): Promise<Map<string, string>> {
  const { Contents = [] } = await s3.listObjectsV2({ Bucket: name });
  return new Map(Contents.map(({ Key, ETag }) => [Key!, ETag!]));
}

it.each([
  ["of gzip'd files is continued in gzip", 'stock-gzip', true],
  ['of plain files is continued in plain ones', 'stock-plain', false],
] as const)(
  'A bucket of the stock tool %s, and proven before and after.',
  async (_, kind, isGzip) => {
    const bucket = await stockBucket(kind);
    await bucket.s3.putBucketVersioning({
      Bucket: bucket.name,
      VersioningConfiguration: { Status: 'Enabled' },
    });
    const before = await etags(bucket);
    // People write a slash at the end.
    const storage = { url: bucket.url(`${PREFIX}/`) };
    const verify = () =>
      verifyStorage(openStorage(storage), { storage, trustWaypoints: [] }, WHOLE_STORAGE);
    const sound = { ok: true, findings: [], orphans: [] };
    const proven = (last: string) => [{ first: '0', last, proven: 'signed' }];
    expect(await verify()).toMatchObject({ ...sound, transactions: proven('200') });

    const { manifest } = await backUp({
      node: await stockNode(),
      folder: storageFolder(),
      storage,
      target: { type: 'transaction', start_version: 201, num_transactions: 50 },
    });
    const after = await verify();
    expect(after).toMatchObject({ ...sound, transactions: proven('250') });
    expect(after.checked.proven_before).toBeGreaterThan(0);

    const now = await etags(bucket);
    for (const [key, etag] of before) expect(now.get(key)).toBe(etag);
    const { Body } = await bucket.s3.getObject({
      Bucket: bucket.name,
      Key: `${PREFIX}/${manifest}`,
    });
    const stored = await Body!.transformToByteArray();
    const text = isGzip ? gunzipSync(stored) : Buffer.from(stored);
    expect(JSON.parse(text.toString())).toMatchObject({ first_version: 201, last_version: 250 });
  },
);
