/**
 * The same damages, done to objects of a bucket by another client: a verification through the store finds and
 * names each, although it skips what the store marks as unchanged. A part of the table runs with all tests;
 * ALL_DAMAGES=1 runs all of it.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { S3 } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStorage } from '../../src/storage/open.js';
import { WHOLE_STORAGE, verifyStorage } from '../../src/verify/verify-storage.js';
import { type Bucket, bareClient, makeBucket, s3Server } from '../support/s3-bucket.js';
import { STOCK, type StorageCopy } from '../support/storage-copy.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { DAMAGES, names } from './damages/all.js';
import { writeOwnStorage } from './damages/own-storage.js';
import { Subject } from './damages/subject.js';

const server = s3Server();
const own = temporaryFolder('verified');
beforeAll(() => writeOwnStorage(own));
afterAll(() => rmSync(own, { recursive: true }));

/** Of the table. */
const ONE_OF = process.env['ALL_DAMAGES'] === '1' ? 1 : 8;

/** A bucket that another client makes the same as a folder. */
class Mirror {
  private readonly stored = new Map<string, Buffer>();

  constructor(
    private readonly bucket: Bucket,
    private readonly encoding: 'plain' | 'gzip',
  ) {}

  async becomes(copy: StorageCopy): Promise<void> {
    const wanted = new Map(copy.files().map((handle) => [handle, copy.read(handle)]));
    const { s3, name: Bucket } = this.bucket;
    const at = (handle: string) => ({ Bucket, Key: `e1/${handle}` });
    for (const [handle, content] of wanted) {
      if (this.stored.get(handle)?.equals(content)) continue;
      const isPacked = this.encoding === 'gzip' && /\.(chunk|proof|manifest|meta)$/.test(handle);
      await s3.putObject({ ...at(handle), Body: isPacked ? gzipSync(content) : content });
      this.stored.set(handle, content);
    }
    for (const handle of [...this.stored.keys()].filter((one) => !wanted.has(one))) {
      await s3.deleteObject(at(handle));
      this.stored.delete(handle);
    }
  }

  /** Changes one bit of an object as it is stored. The returned function changes it back. */
  async flip(handle: string, at: number): Promise<() => Promise<unknown>> {
    const { s3, name: Bucket } = this.bucket;
    const object = { Bucket, Key: `e1/${handle}` };
    const { Body } = await s3.getObject(object);
    const whole = Buffer.from(await Body!.transformToByteArray());
    const flipped = Buffer.from(whole);
    // Of gzip's first ten bytes, four say nothing about the content: a time, and two kinds of hints.
    const first = this.encoding === 'gzip' ? 10 : 0;
    flipped[first + (at % (whole.length - first))]! ^= 1;
    await s3.putObject({ ...object, Body: flipped });
    return () => s3.putObject({ ...object, Body: whole });
  }

  verify() {
    const storage = { url: this.bucket.url('e1') };
    return verifyStorage(openStorage(storage), { storage, trustWaypoints: [] }, WHOLE_STORAGE);
  }
}

describe.each([
  ['plain storage of the stock tool', join(STOCK, 'stock-plain'), 'plain'],
  ["gzip'd storage of ours", own, 'gzip'],
] as const)('in a %s in a bucket', (_, folder, encoding) => {
  let s3: S3;
  let mirror: Mirror;
  beforeAll(async () => {
    s3 = bareClient(server.endpoint);
    mirror = new Mirror(await makeBucket(server, s3), encoding);
  });
  afterAll(() => s3.destroy());

  it('a verification finds nothing while the bucket is whole', async () => {
    await mirror.becomes(new Subject(folder));
    const first = await mirror.verify();
    expect(first).toMatchObject({ ok: true, complete: true, findings: [] });
    const second = await mirror.verify();
    expect(second).toMatchObject({ ok: true, findings: [] });
    expect(second.checked.objects).toBeLessThan(first.checked.objects);
  });

  it.each(DAMAGES.filter((_damage, i) => i % ONE_OF === 0))(
    'a verification reports this damage to objects: %s',
    async (_name, harm, named) => {
      const subject = new Subject(folder);
      await mirror.becomes(subject);
      const objects = [named(subject)].flat();
      harm(subject);
      await mirror.becomes(subject);
      const { ok, findings, ...coverage } = await mirror.verify();
      expect(ok).toBe(false);
      const found = objects.some((object) => names({ ...coverage, ok, findings }, object));
      expect({ objects, findings, found }).toMatchObject({ found: true });
    },
  );

  it('a verification finds one changed bit in any object as it is stored, and names the object', async () => {
    await mirror.becomes(new Subject(folder));
    const files = new Subject(folder).files();
    const ofBackups = files.filter((file) => /\.(chunk|proof|manifest|meta)$/.test(file));
    for (const [i, file] of ofBackups.entries()) {
      if (i % ONE_OF !== 0 || file === 'metadata/identity.meta') continue;
      const restore = await mirror.flip(file, i * 7919 + 13);
      const coverage = await mirror.verify();
      expect({ file, ok: coverage.ok, named: names(coverage, file) }).toEqual({
        file,
        ok: false,
        named: true,
      });
      await restore();
    }
    expect((await mirror.verify()).ok).toBe(true);
  });
});
