/**
 * Damages of stored backups, each of which a verification must find and name: in a copy of a storage of
 * the stock tool, which has no digests, and in one of ours. The stock tool's verify misses many of them.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { STOCK } from '../support/storage-copy.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { DAMAGES, names } from './damages/all.js';
import { writeOwnStorage } from './damages/own-storage.js';
import { Subject } from './damages/subject.js';
import type { Restorable } from '../../src/contract/answers/coordinator-answers.js';

const own = temporaryFolder('verified');
beforeAll(() => writeOwnStorage(own));
afterAll(() => rmSync(own, { recursive: true }));

describe.each([
  ['of the stock tool', join(STOCK, 'stock-plain')],
  ['of ours', own],
])('in a storage %s', (_, folder) => {
  let whole: Restorable;
  it('a verification finds nothing while the storage is whole', async () => {
    const coverage = await new Subject(folder).verify();
    whole = coverage.restorable_by_stock;
    expect(coverage.findings).toEqual([]);
    expect(coverage).toMatchObject({
      ok: true,
      complete: true,
      restorable_by_stock: { yes: true },
    });
  });

  it.each(DAMAGES)('a verification reports this damage: %s', async (_name, harm, named) => {
    const subject = new Subject(folder);
    const objects = [named(subject)].flat();
    harm(subject);
    const coverage = await subject.verify();
    expect(coverage.ok).toBe(false);
    expect(coverage.restorable_by_stock).not.toEqual(whole);
    expect(objects.some((object) => names(coverage, object))).toBe(true);
  });

  it('a verification finds one changed bit in any file of a backup and names the file', async () => {
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
  });
});
