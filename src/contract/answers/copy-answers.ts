import * as v from 'valibot';
import type { FindingCode } from '../../errors/codes/findings-codes.js';
import { flag, text, u64Text } from '../shape.js';
import { field, isoTime, maybe, number } from './fields.js';

/** A backup that was not copied, and the first object that is the reason. */
export type Skipped = v.InferOutput<typeof skipped>;
const skipped = v.object({
  manifest: field(text, 'manifest of the backup, or a metadata file'),
  object: field(text, 'the file that is the reason'),
  code: field(
    v.pipe(
      v.custom<FindingCode>((value) => typeof value === 'string'),
      v.title('code'),
    ),
    'see [errors.md](errors.md)',
  ),
  why: field(text, 'what is wrong'),
});

const counts = {
  epoch_endings: field(number, 'backups of epoch endings that were copied'),
  transactions: field(number, 'backups of transactions'),
  state_snapshots: field(number, 'state snapshots'),
  already_there: field(number, 'backups that the target had'),
  files: field(number, 'files that were copied'),
  kept: field(number, 'files that an earlier attempt had copied'),
  bytes: field(number, 'bytes that were read of backups, without their encoding'),
  skipped: field(v.array(skipped), 'what was not copied; the first hundred'),
  skipped_count: field(number, 'how many there are'),
};

/** The result of a copy. */
export type CopyResult = v.InferOutput<typeof copyResult>;
export const copyResult = v.object({
  ok: field(flag, 'whether the target has all that was asked for'),
  from: field(text, 'the source'),
  to: field(text, 'the target'),
  as_of: field(isoTime, 'when it was begun: what was stored later is left to the next one'),
  ...counts,
});

/** Answer of the `status` query of a copy. */
export type CopyStatus = v.InferOutput<typeof copyStatus>;
export const copyStatus = v.object({
  ...counts,
  in_work: maybe(text, 'the first backup of the page in work'),
});

/** The copy that a coordinator keeps in step. */
export type KeptCopy = v.InferOutput<typeof keptCopy>;
export const keptCopy = v.object({
  to: field(text, 'the second storage'),
  running: field(flag, 'whether a copy runs'),
  workflow_id: maybe(text, 'the workflow of the running or the last copy'),
  lag_versions: maybe(u64Text, 'transactions that it lacks; absent: not known yet'),
  lag_epochs: maybe(u64Text, 'epoch endings that it lacks'),
  lag_snapshots: maybe(number, 'state snapshots that it lacks'),
  lag_seconds: maybe(number, 'seconds since it last had everything; 0: it has everything'),
  behind_since: maybe(isoTime, 'when it last had everything; absent: it has everything now'),
  begun_at: maybe(isoTime, 'when the running or the last copy was begun'),
  ended_at: maybe(isoTime, 'when the last copy ended'),
  outcome: maybe(v.picklist(['done', 'failed']), 'how that one ended'),
  why: maybe(text, 'what the running copy fails at, or why the last one failed'),
  retry_at: maybe(isoTime, 'when it is tried again after that'),
});
