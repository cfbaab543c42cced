/** Prune and gc, killed before every single change of the storage that they make. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Died, dyingStorage } from '../support/dying-storage.js';
import { STOCK, StorageCopy } from '../support/storage-copy.js';
import { committedFolders, gc, prune } from '../support/upkeep.js';

const RULES = { keep_last: 1, transactions_from: 101, force: true };
const GIVEN_UP = ['state_epoch_3_ver_138.901c', 'transaction_0-.b2a3', 'transaction_1-.a9e2'];

/** A storage of the stock tool whose metadata is compacted: lines that go and lines that stay share files. */
function compacted(): StorageCopy {
  const copy = new StorageCopy(join(STOCK, 'stock-plain'));
  copy.remove('metadata');
  copy.copyFrom(join(STOCK, 'stock-compacted/after-run1/metadata'), 'metadata');
  return copy;
}

/** Findings of a verification, without those about folders that were retired. */
async function findings(copy: StorageCopy) {
  const { findings: all } = await copy.verify();
  return all.filter(({ object }) => !GIVEN_UP.includes(object.split('/')[0]!));
}

it('a prune that is killed anywhere leaves every committed backup whole, and the next one finishes', async () => {
  const whole = compacted();
  const counting = dyingStorage(whole.folder);
  expect(await prune(whole.folder, RULES, counting.storage)).toBe(3);
  const expected = committedFolders(whole.folder);
  expect(expected).toHaveLength(6);
  const metadata = readdirSync(whole.path('metadata')).filter((name) => !/timestamps/.test(name));
  const changes = counting.changes();
  expect(changes).toBeGreaterThan(20);
  for (let k = 1; k <= changes; k += 1) {
    const copy = compacted();
    const dying = dyingStorage(copy.folder, k);
    // The release of the locks, at the end, fails silently.
    await prune(copy.folder, RULES, dying.storage).catch((error: unknown) => {
      expect(error).toBeInstanceOf(Died);
    });
    const between = committedFolders(copy.folder); // throws when a file is missing
    for (const folder of expected) expect(between).toContain(folder);
    if (k % 10 === 0) expect(await findings(copy)).toEqual([]);
    await prune(copy.folder, RULES);
    expect(committedFolders(copy.folder)).toEqual(expected);
    const left = readdirSync(copy.path('metadata')).filter((name) => !/timestamps/.test(name));
    expect(left).toEqual(metadata);
  }
  expect(await findings(whole)).toEqual([]);
});

it('a gc that is killed anywhere removes nothing that is committed, and the next one finishes', async () => {
  const retired = compacted();
  await prune(retired.folder, RULES);
  const expected = committedFolders(retired.folder);
  const whole = new StorageCopy(retired.folder);
  const counting = dyingStorage(whole.folder);
  const order = { graceMs: 0 };
  expect((await gc(whole.folder, order, counting.storage)).removed_count).toBe(3);
  const changes = counting.changes();
  expect(changes).toBeGreaterThan(30);
  for (let k = 1; k <= changes; k += 1) {
    const copy = new StorageCopy(retired.folder);
    const dying = dyingStorage(copy.folder, k);
    await gc(copy.folder, order, dying.storage).catch((error: unknown) => {
      expect(error).toBeInstanceOf(Died);
    });
    expect(committedFolders(copy.folder)).toEqual(expected);
    if (k % 16 === 0) expect(await findings(copy)).toEqual([]);
    await gc(copy.folder, order);
    for (const folder of GIVEN_UP) expect(copy.has(folder)).toBe(false);
    expect(committedFolders(copy.folder)).toEqual(expected);
  }
  expect(await findings(whole)).toEqual([]);
});
