/**
 * What the stock tool can restore, by its own rules for the backups that it reads up to a target version.
 */
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { type RestoreSource, restorable } from '../../src/contract/restorable.js';
import {
  restoreSource,
  storedForRestore,
  storedForRestoreSchema,
} from '../../src/contract/restore-memory.js';
import { rulesOf } from '../../src/contract/kinds/index.js';
import type { BackupType } from '../../src/contract/job.js';
import type { BackupResult } from '../../src/contract/unit.js';

/** Epochs of a hundred versions: epoch E ends at version 100 E. */
const epochs = (first: number, last: number, damaged = false) => ({
  first: BigInt(first),
  last: BigInt(last),
  from: BigInt(first) * 100n,
  to: BigInt(last) * 100n,
  ...(damaged ? { damaged } : {}),
});
const versions = (first: number, last: number, damaged = false) => ({
  first: BigInt(first),
  last: BigInt(last),
  from: BigInt(first),
  to: BigInt(last),
  ...(damaged ? { damaged } : {}),
});
const snapshot = (epoch: number, damaged = false) => ({
  epoch: BigInt(epoch),
  version: BigInt(epoch) * 100n,
  ...(damaged ? { damaged } : {}),
});
const whole = {
  epochs: [epochs(0, 0), epochs(1, 4)],
  transactions: [versions(0, 0), versions(1, 200), versions(201, 450)],
  snapshots: [snapshot(0), snapshot(2), snapshot(4)],
};
type Said = Partial<ReturnType<typeof restorable>>;

it.each<[string, Partial<RestoreSource>, Said, RegExp?]>([
  [
    'all of it',
    {},
    {
      yes: true,
      version: '450',
      epoch: '4',
      history_from: '0',
      snapshot: { epoch: '4', version: '400' },
      why: [],
    },
  ],
  ['no snapshot', { snapshots: [] }, { yes: false }, /there is no state snapshot/],
  ['no transactions', { transactions: [] }, { yes: false }, /there are no transactions/],
  ['no epoch endings', { epochs: [] }, { yes: false }, /there are no epoch endings/],
  [
    'a snapshot that is newer than the last transaction',
    { transactions: [versions(0, 350)], snapshots: [snapshot(4)] },
    { yes: false },
    /the oldest state snapshot is of version 400; transactions can be used only up to 350/,
  ],
  [
    'history that does not begin at 0',
    { transactions: [versions(101, 450)] },
    { yes: false },
    /transactions 0 to 100 are missing/,
  ],
  [
    'no snapshot at genesis',
    { snapshots: [snapshot(2), snapshot(4)] },
    { yes: true, version: '450', history_from: '200' },
    /no state snapshot below version 200/,
  ],
  [
    'a hole in the transactions',
    { transactions: [versions(0, 200), versions(301, 450)] },
    {
      yes: true,
      version: '200',
      epoch: '2',
      needs_target_version: true,
      snapshot: { epoch: '2', version: '200' },
    },
    /transactions 201 to 300 are missing/,
  ],
  [
    'a range twice',
    { transactions: [versions(0, 250), versions(201, 450)] },
    { yes: true, version: '200', needs_target_version: true },
    /several backups have transactions 201 to 250/,
  ],
  [
    'a hole in the epoch endings',
    { epochs: [epochs(0, 1), epochs(3, 4)] },
    { yes: true, version: '299', snapshot: { epoch: '2', version: '200' } },
    /epoch endings 2 to 2 are missing/,
  ],
  [
    'epoch endings that end before the newest snapshot',
    { epochs: [epochs(0, 1)] },
    { yes: true, version: '399', snapshot: { epoch: '2', version: '200' } },
    /epoch 4 .version 400. is not proven by the epoch endings, which go from 0 to 1/,
  ],
  [
    'a damaged newest snapshot',
    { snapshots: [snapshot(0), snapshot(2), snapshot(4, true)] },
    { yes: true, version: '399', history_from: '0', needs_target_version: true },
    /the state snapshot of epoch 4 .version 400. is damaged/,
  ],
  [
    'damaged transactions below the newest snapshot, which it does not read',
    { transactions: [versions(0, 0), versions(1, 200, true), versions(201, 450)] },
    { yes: true, version: '450', history_from: '400' },
    /^transactions 1 to 200 are damaged or not proven, so no history before version 400$/,
  ],
  [
    'damaged transactions that hold the newest snapshot',
    { transactions: [versions(0, 200), versions(201, 450, true)] },
    { yes: true, version: '200', snapshot: { epoch: '2', version: '200' } },
    /^transactions 201 to 450 are damaged or not proven$/,
  ],
  [
    'no older snapshot that is in order',
    { snapshots: [snapshot(0, true), snapshot(4)] },
    { yes: true, version: '450', history_from: '400' },
    /^no state snapshot below version 400 can be used, so no history before it$/,
  ],
  [
    'a metadata file that cannot be read',
    { unreadable: 'metadata/torn.meta' },
    { yes: false },
    /metadata.torn.meta cannot be read/,
  ],
])('%s', (_, source, said, why) => {
  const found = restorable({ ...whole, ...source });
  expect(found).toMatchObject(said);
  if (why) expect(found.why.join('; ')).toMatch(why);
  // A coordinator that keeps it in its memory says the same.
  const carried = storedForRestore({ ...whole, ...source });
  expect(v.is(storedForRestoreSchema, JSON.parse(JSON.stringify(carried)))).toBe(true);
  expect(restorable(restoreSource(carried))).toEqual(found);
});

it('a backup that is committed later counts at once, and only once', () => {
  const restore = storedForRestore({ epochs: [], transactions: [], snapshots: [] });
  const nothing = { epochs: [], versions: [], snapshots: [], damaged: [], damagedCount: 0 };
  const survey = { storageId: '0', ...nothing, restore };
  const commit = (result: object) => {
    const committed = result as BackupResult;
    const rules = rulesOf<BackupType>(committed.type);
    rules.addCommitted(survey, committed);
    rules.addCommitted(survey, committed);
    return restorable(restoreSource(restore));
  };
  const version = (first: string, last: string) => commit({ type: 'transaction', first, last });
  commit({ type: 'epoch_ending', first: '0', last: '0', ends_at_version: '0' });
  commit({ type: 'state_snapshot', epoch: '0', version: '0' });
  expect(version('0', '0')).toMatchObject({ yes: true, version: '0', epoch: '0' });
  expect(version('101', '150')).toMatchObject({ version: '0', needs_target_version: true });
  expect(version('1', '100')).toMatchObject({ version: '150', history_from: '0', why: [] });
  commit({ type: 'epoch_ending', first: '1', last: '1', ends_at_version: '100' });
  const last = commit({ type: 'state_snapshot', epoch: '1', version: '100' });
  expect(last).toMatchObject({ version: '150', epoch: '1', snapshot: { epoch: '1' }, why: [] });
});

it('the restorable part of a memory is bounded, however many backups and holes there are', () => {
  const many = Array.from({ length: 5_000 }, (_, i) => i);
  const stored = storedForRestore({
    epochs: [epochs(0, 5_000)],
    transactions: many.map((i) => versions(i * 10, i * 10 + 5)),
    snapshots: many.map((i) => snapshot(i)),
  });
  expect(JSON.stringify(stored).length).toBeLessThan(30_000);
  expect(restorable(restoreSource(stored))).toMatchObject({ yes: true, version: '5' });
});
