import * as v from 'valibot';
import { commonFields } from './backup-input.js';
import type { BackupType, StorageConfig } from './job.js';
import { count, flag, object, parse, whole } from './schema.js';

/**
 * The stock tool's own default is 1, which only gives files new names. Its charts for clusters use 100: a file of
 * about 16 kB, and a hundredth of the files.
 */
const DEFAULT_FACTOR = 100;
const MOST_LINES = 100_000n;
const DEFAULT_REMOVE_AFTER = 86_400;
const TEN_YEARS = 315_360_000n;

const factorOf = (what: string) =>
  v.optional(
    v.pipe(count(MOST_LINES), v.description(`how many ${what} go into one metadata file`)),
    DEFAULT_FACTOR,
  );

export const compactionFields = {
  storage: commonFields.storage,
  epoch_ending_file_compact_factor: factorOf('backups of epoch endings'),
  state_snapshot_file_compact_factor: factorOf('state snapshots'),
  transaction_file_compact_factor: factorOf('backups of transactions'),
  remove_compacted_file_after: v.optional(
    v.pipe(
      whole(0n, TEN_YEARS),
      v.description(
        'move a replaced file into `metadata_backup` when it is known as replaced for more than so many seconds',
      ),
    ),
    DEFAULT_REMOVE_AFTER,
  ),
  dry_run: v.optional(v.pipe(flag, v.description('only say what would be done')), false),
};
const compactionInput = object(compactionFields);

/** Input of `compactMetadata`. */
export type CompactionInput = v.InferInput<typeof compactionInput>;

/** What a compaction is to do. */
export interface CompactionOrder {
  /** How many lines go into one file. */
  factors: Record<BackupType, number>;
  removeAfterSeconds: number;
  dryRun: boolean;
}

/** @throws InputError naming the field */
export function parseCompactionInput(raw: unknown): CompactionOrder & { storage: StorageConfig } {
  const fields = parse(compactionInput, raw);
  return {
    storage: fields.storage,
    factors: {
      epoch_ending: Number(fields.epoch_ending_file_compact_factor),
      state_snapshot: Number(fields.state_snapshot_file_compact_factor),
      transaction: Number(fields.transaction_file_compact_factor),
    },
    removeAfterSeconds: Number(fields.remove_compacted_file_after),
    dryRun: fields.dry_run,
  };
}
