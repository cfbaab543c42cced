/** Unusable backups, when there are more than a verification lists. */
import { expect, it } from 'vitest';
import type { BackupEntry } from '../../src/repository/catalog.js';
import { addUnusable, noneUnusable } from '../../src/contract/unusable.js';
import { isUnusable } from '../../src/verify/missing.js';

const SPANS = Array.from({ length: 250 }, (_, i) => ({ first: `${i * 100}`, last: `${i * 100}` }));
const transactions = (first: number, last: number) =>
  ({
    type: 'TransactionBackup',
    firstVersion: BigInt(first),
    lastVersion: BigInt(last),
  }) as BackupEntry;
const snapshot = (version: number) =>
  ({ type: 'StateSnapshotBackup', epoch: 1n, version: BigInt(version) }) as BackupEntry;

it('if more backups are damaged than the list holds, all above the list count as unusable', () => {
  const unusable = noneUnusable();
  addUnusable(unusable, {
    transactions: SPANS,
    snapshots: SPANS.map(({ first }) => ({ epoch: '1', version: first })),
  });
  const isDamaged = isUnusable(unusable);
  for (const version of [0, 24_900]) {
    expect(isDamaged(transactions(version, version + 50))).toBe(true);
    expect(isDamaged(snapshot(version))).toBe(true);
  }
  expect(isDamaged(transactions(101, 199))).toBe(false);
  expect(isDamaged(snapshot(150))).toBe(false);
});

it('if the list is not full, all backups that it does not name are usable', () => {
  const unusable = noneUnusable();
  addUnusable(unusable, { transactions: SPANS.slice(0, 10) });
  expect(isUnusable(unusable)(transactions(901, 99_999))).toBe(false);
});
