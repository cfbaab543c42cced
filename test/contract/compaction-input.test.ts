/** The input of a compaction, and of the schedule for it. */
import { expect, it } from 'vitest';
import { scheduleOf } from '../../src/client/schedules.js';
import { parseCompactionInput } from '../../src/contract/compaction-input.js';

const storage = { local_fs_dir: '/backups' };

it('the storage alone is enough', () => {
  expect(parseCompactionInput({ storage })).toEqual({
    storage,
    factors: { epoch_ending: 100, state_snapshot: 100, transaction: 100 },
    removeAfterSeconds: 86_400,
    dryRun: false,
  });
});

it.each([
  [
    { transaction_file_compact_factor: 0 },
    /^transaction_file_compact_factor must be a whole number from 1 to/,
  ],
  [{ state_snapshot_file_compact_factor: 'x' }, /^state_snapshot_file_compact_factor must be/],
  [
    { remove_compacted_file_after: '400000000' },
    /^remove_compacted_file_after must be a whole number from 0/,
  ],
  [{ dryrun: true }, /unknown field "dryrun", did you mean "dry_run"/],
])('a factor of zero is refused, and so is what no field takes', (more, why) => {
  expect(() => parseCompactionInput({ storage, ...more })).toThrow(why);
});

it('a schedule gives each run the factors, and no other kind of schedule takes them', () => {
  const input = { node: 'http://localhost:6186', storage };
  const compaction = { transaction_file_compact_factor: 7 };
  const { action } = scheduleOf('compact', { ...input, compaction });
  expect(action).toMatchObject({
    workflowType: 'compactMetadata',
    args: [{ storage, transaction_file_compact_factor: 7 }],
  });
  expect(() => scheduleOf('due', { ...input, compaction })).toThrow(
    /only a schedule of kind compact takes/,
  );
});
