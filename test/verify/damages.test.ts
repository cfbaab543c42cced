/**
 * Damages of stored backups, each of which must be found and named: on a copy of what the stock tool
 * wrote, which has no digests, and on one of ours. The stock tool's verify passes on many of them.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Coverage } from '../../src/plan/verify.js';
import { STOCK } from '../support/storage-copy.js';
import { temporaryFolder } from '../support/temporal.js';
import { EPOCH_ENDING_DAMAGES } from './damages/epoch-endings.js';
import { METADATA_DAMAGES } from './damages/metadata.js';
import { writeOwnStorage } from './damages/own-storage.js';
import { SNAPSHOT_DAMAGES } from './damages/state-snapshots.js';
import { type Damage, Subject } from './damages/subject.js';
import { TRANSACTION_DAMAGES } from './damages/transactions.js';

const own = temporaryFolder('verified');
beforeAll(() => writeOwnStorage(own));
afterAll(() => rmSync(own, { recursive: true }));

const FILES: [string, (s: Subject) => string][] = [
  ['a chunk of transactions', (s) => s.chunkOf(1)],
  ['a proof of transactions', (s) => s.proofOf(1)],
  ['a manifest of transactions', (s) => s.transactions],
  ['a chunk of state', (s) => s.blobs(1)],
  ['a proof of state', (s) => s.rangeProof(1)],
  ['a root proof', (s) => s.rootProof],
  ['a manifest of state', (s) => s.snapshot],
  ['a chunk of epoch endings', (s) => s.epochChunk(0)],
  ['a manifest of epoch endings', (s) => s.epochs],
];

const HARMS: [string, (bytes: Buffer) => Uint8Array][] = [
  ['emptied', () => Buffer.alloc(0)],
  ['without its last byte', (bytes) => bytes.subarray(0, -1)],
  ['cut in half', (bytes) => bytes.subarray(0, bytes.length >> 1)],
  ['with two bytes too many', (bytes) => Buffer.concat([bytes, Buffer.from([7, 7])])],
  ['all zeros', (bytes) => Buffer.alloc(bytes.length)],
];

const EVERY_FILE: Damage[] = FILES.flatMap(([file, handle]) => [
  [`${file} missing`, (s) => s.remove(handle(s)), handle],
  ...HARMS.map(([how, harm]): Damage => [`${file} ${how}`, (s) => s.edit(handle(s), harm), handle]),
]);

describe.each([
  ['of the stock tool', join(STOCK, 'stock-plain')],
  ['of ours', own],
])('in a storage %s', (_, folder) => {
  it('nothing is found while it is whole', async () => {
    const coverage = await new Subject(folder).verify();
    expect(coverage.findings).toEqual([]);
    expect(coverage).toMatchObject({
      ok: true,
      complete: true,
      restorable_by_stock: { yes: true },
    });
  });

  it.each([
    ...EVERY_FILE,
    ...TRANSACTION_DAMAGES,
    ...SNAPSHOT_DAMAGES,
    ...EPOCH_ENDING_DAMAGES,
    ...METADATA_DAMAGES,
  ])('%s', async (_name, harm, named) => {
    const subject = new Subject(folder);
    const objects = [named(subject)].flat();
    harm(subject);
    const coverage = await subject.verify();
    expect(coverage.ok).toBe(false);
    expect(coverage.restorable_by_stock.yes).toBe(false);
    expect(objects.some((object) => names(coverage, object))).toBe(true);
  });

  it('one bit changed in any file of a backup is found, and the file named', async () => {
    const whole = new Subject(folder);
    const files = whole.files().filter((file) => /\.(chunk|proof|manifest|meta)$/.test(file));
    expect(files.length).toBeGreaterThan(50);
    for (const [i, file] of files.entries()) {
      if (file === 'metadata/identity.meta') continue; // any number is as good as another
      const bytes = whole.read(file);
      whole.flip(file, (i * 7919 + 13) % bytes.length);
      const coverage = await whole.verify();
      expect({ file, ok: coverage.ok, named: names(coverage, file) }).toEqual({
        file,
        ok: false,
        named: true,
      });
      whole.write(file, bytes);
    }
    expect((await whole.verify()).ok).toBe(true);
  }, 240_000);
});

/** Whether a finding is about an object, or says that it may be this one. */
function names({ findings }: Coverage, object: string): boolean {
  return findings.some((finding) => finding.object === object || finding.why.includes(object));
}
