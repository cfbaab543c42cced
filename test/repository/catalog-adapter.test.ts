/** Commands list names alone: a metadata file is read once, and again only when the storage is another one. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, expect, it } from 'vitest';
import { encodeMetadataLine, metadataFileName, type MetadataLine } from '../../src/aptos/index.js';
import { keepCachesIn } from '../../src/lib/host/data-folder.js';
import { readCatalog } from '../../src/repository/catalog.js';
import { requireNoOverlap } from '../../src/repository/overlap.js';
import { publishMetadata } from '../../src/repository/publish-unit.js';
import { BackupStorage } from '../../src/storage/storage.js';
import { AdapterPlace } from '../support/adapters/place.js';
import { ADAPTERS } from '../support/adapters/yaml.js';
import { lineOf } from '../support/metadata-place.js';

afterEach(() => keepCachesIn(undefined));

it('reads by name once, and everything again from a storage that was begun anew', async () => {
  const place = new AdapterPlace(ADAPTERS['aws s3 at another endpoint']!);
  const adapter = place.open();
  const put = (line: MetadataLine) => {
    const object = place.objectOf(`metadata/${metadataFileName(line)}`);
    mkdirSync(dirname(object), { recursive: true });
    writeFileSync(object, gzipSync(encodeMetadataLine(line)));
  };
  const look = async (data: string) => {
    keepCachesIn(join(place.root, data));
    const before = place.asked('get').length;
    const { transactions } = await readCatalog(new BackupStorage(adapter));
    const gets = place.asked('get').slice(before);
    const reads = gets.filter((name) => name.includes('transaction_')).length;
    return { reads, manifests: transactions.map(({ manifest }) => manifest) };
  };
  put({ type: 'Identity', id: '11'.repeat(32) });
  for (const i of [0, 1, 2]) put(lineOf(i, `first/${i}`));
  const first = ['first/0', 'first/1', 'first/2'];
  expect(await look('data')).toEqual({ reads: 3, manifests: first });
  expect(await look('data')).toEqual({ reads: 0, manifests: first });

  rmSync(place.objectOf('metadata/transaction_10-19.meta'));
  expect(await look('data')).toEqual({ reads: 0, manifests: ['first/0', 'first/2'] });
  put(lineOf(1, 'again/1'));
  expect(await look('data')).toMatchObject({
    reads: 1,
    manifests: ['first/0', 'again/1', 'first/2'],
  });

  // Nobody is refused for a line that is not in the storage any more.
  put(lineOf(2, 'second/2'));
  const claimed = { kind: 'transaction', first: 20n, last: 29n, manifest: 'second/2' } as const;
  await requireNoOverlap(new BackupStorage(adapter), claimed);

  rmSync(place.objectOf('metadata'), { recursive: true });
  put({ type: 'Identity', id: '22'.repeat(32) });
  for (const i of [0, 1]) put(lineOf(i, `second/${i}`));
  expect(await look('data')).toEqual({ reads: 2, manifests: ['second/0', 'second/1'] });
  expect(await look('data')).toEqual({ reads: 0, manifests: ['second/0', 'second/1'] });
});

it('reads a file again that we have put in the place of one that named a lost backup', async () => {
  const place = new AdapterPlace(ADAPTERS['aws s3 at another endpoint']!);
  keepCachesIn(join(place.root, 'data'));
  const storage = new BackupStorage(place.open());
  const object = place.objectOf('metadata/transaction_10-19.meta');
  mkdirSync(dirname(object), { recursive: true });
  writeFileSync(object, gzipSync(encodeMetadataLine(lineOf(1, 'lost/transaction.manifest'))));
  const manifests = async () =>
    (await readCatalog(storage)).transactions.map(({ manifest }) => manifest);
  expect(await manifests()).toEqual(['lost/transaction.manifest']);
  const line = lineOf(1, 'again/transaction.manifest');
  expect(await publishMetadata(storage, line)).toBe('metadata/transaction_10-19.meta');
  expect(await manifests()).toEqual(['again/transaction.manifest']);
});
