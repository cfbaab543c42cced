/** Storages with gzip'd files, all or some, are verified like plain ones. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readCatalog } from '../../src/repository/catalog.js';
import { STOCK, StorageCopy } from '../support/storage-copy.js';

const gzipped = () => new StorageCopy(join(STOCK, 'stock-gzip'));
const plain = () => new StorageCopy(join(STOCK, 'stock-plain'));
const CHUNK = 'transaction_101-.9495/136-.chunk';
const MANIFEST = 'transaction_101-.9495/transaction.manifest';

it('a storage that the stock tool wrote through its gzip adapter is proven, and skipped the next time', async () => {
  const s = gzipped();
  const same = await plain().verify();
  const first = await s.verify();
  const { storage: _, state_snapshots: snapshots, as_of: __, ...facts } = first;
  expect(facts).toMatchObject({
    ok: true,
    findings: [],
    orphans: [],
    transactions: [{ first: '0', last: '250', proven: 'signed' }],
    restorable_by_stock: { yes: true },
    // Of the content, not of the stored files.
    checked: { ...same.checked, bytes: expect.any(Number) as number },
  });
  expect(Math.abs(first.checked.bytes - same.checked.bytes)).toBeLessThan(100);
  expect(snapshots.map(({ epoch }) => epoch)).toEqual(['3', '5']);
  const second = await s.verify();
  expect(second).toMatchObject({ ok: true, transactions: first.transactions });
  expect(second.checked.proven_before).toBeGreaterThan(50);
});

it.each([
  ['every other file', (name: string) => number(name) % 2 === 0],
  ['all but one metadata file', (name: string) => name !== 'metadata/transaction_201-250.meta'],
  ['all metadata but one, and nothing else', (name: string) => /^metadata\/[^i]/.test(name)],
  ['only the chunks', (name: string) => name.endsWith('.chunk')],
])('a storage of which %s is plain is read file by file', async (_, isPlain) => {
  const s = gzipped();
  const files = s.files().filter(isPlain);
  expect(files.length).toBeGreaterThan(3);
  for (const file of files) s.edit(file, gunzipSync);
  expect(await s.verify()).toMatchObject({
    ok: true,
    findings: [],
    orphans: [],
    transactions: [{ first: '0', last: '250', proven: 'signed' }],
  });
});

it('a compressed file is damaged if all metadata is plain, because the stock tool cannot read it', async () => {
  const s = plain();
  const file = s
    .files()
    .find((name) => name.startsWith('transaction_1-') && name.endsWith('/1-.chunk'))!;
  s.edit(file, (bytes) => gzipSync(bytes));
  expect((await s.verify()).findings).toMatchObject([{ object: file, code: 'DAMAGED' }]);
});

it('metadata that the stock tool has compacted through the adapter is read', async () => {
  const s = gzipped();
  for (const name of s.files().filter((file) => file.startsWith('metadata/'))) s.remove(name);
  const compacted = gzipped();
  const lines = compacted
    .files()
    .filter((name) => /^metadata\/(epoch|state|transaction)/.test(name))
    .map((name) => gunzipSync(compacted.read(name)));
  // Two members, as a tool writes them that compresses in parallel.
  const half = lines.length >> 1;
  const members = [lines.slice(0, half), lines.slice(half)].map((some) => Buffer.concat(some));
  const stamps = '{"CompactionTimestamps":{"file_compacted_at":9,"compaction_timestamps":{}}}\n';
  s.write(
    'metadata/transaction_compacted_0-250.meta',
    Buffer.concat(members.map((m) => gzipSync(m))),
  );
  s.write('metadata/compaction_timestamps_9.meta', gzipSync(stamps));
  expect(await s.verify()).toMatchObject({ ok: true, transactions: [{ first: '0', last: '250' }] });
});

describe('a verification names only the damaged object:', () => {
  const bomb = gzipSync(Buffer.alloc(300 * 1024 * 1024));
  it.each([
    ['a chunk that breaks off', CHUNK, (b: Buffer) => b.subarray(0, b.length >> 1), /breaks off/],
    ['a chunk without its end', CHUNK, (b: Buffer) => b.subarray(0, b.length - 1), /breaks off/],
    ['a chunk with another checksum', CHUNK, (b: Buffer) => flip(b, b.length - 7), /data check/],
    ['a chunk changed inside', CHUNK, (b: Buffer) => flip(b, b.length >> 1), /./],
    ['a chunk of very many zeros', CHUNK, () => bomb, /./],
    [
      'a chunk with its content twice',
      CHUNK,
      (b: Buffer) => Buffer.concat([b, b]),
      /more than the 7 records/,
    ],
    ['a chunk that is empty', CHUNK, () => Buffer.alloc(0), /records instead of/],
    [
      'a proof that breaks off',
      CHUNK.replace('-.chunk', '-142.proof'),
      (b: Buffer) => b.subarray(0, 40),
      /breaks off/,
    ],
    ['a manifest that breaks off', MANIFEST, (b: Buffer) => b.subarray(0, 99), /breaks off/],
    ['a manifest that expands to very much', MANIFEST, () => bomb, /larger than/],
    [
      'a chunk of epoch endings',
      'epoch_ending_3-.67cd/3-.chunk',
      (b: Buffer) => flip(b, b.length - 7),
      /data check/,
    ],
    [
      'a record of 4 GB',
      'epoch_ending_3-.67cd/3-.chunk',
      () => gzipSync(Buffer.concat([Buffer.alloc(8, 0xff), Buffer.alloc(300 * 1024 * 1024)])),
      /4294967295/,
    ],
  ])('%s', async (_, object, damage, why) => {
    const s = gzipped();
    s.edit(object, damage);
    const { ok, findings } = await s.verify();
    expect(ok).toBe(false);
    expect(findings[0]).toMatchObject({ object, code: 'DAMAGED' });
    expect(findings[0]!.why).toMatch(why);
    const others = findings.filter((finding) => finding.object !== object);
    if (!object.startsWith('epoch_')) expect(others).toEqual([]);
  });

  it('a metadata file with a wrong checksum', async () => {
    const s = gzipped();
    const object = 'metadata/transaction_101-200.meta';
    s.edit(object, (bytes) => bytes.subarray(0, 50));
    const { findings } = await s.verify();
    expect(findings[0]).toMatchObject({ object, code: 'METADATA' });
    expect(findings[0]!.why).toMatch(/breaks off/);
    expect((await readCatalog(s.storage)).transactions).toHaveLength(3);
  });
});

function number(name: string): number {
  return createHash('sha256').update(name).digest()[0]!;
}

function flip(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[at]! ^= 0x10;
  return changed;
}
