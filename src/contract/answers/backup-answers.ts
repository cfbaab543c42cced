import * as v from 'valibot';
import { BACKUP_TYPES, rulesOf } from '../kinds/index.js';
import { lie } from '../lies.js';
import { PHASES } from '../messages.js';
import { flag, text, u64Text } from '../shape.js';
import type { Proven } from '../unit.js';
import { field, maybe, number, yes } from './fields.js';

const backupType = v.picklist(BACKUP_TYPES);

export const proven = v.pipe(
  v.custom<Proven>((value) => typeof value === 'string'),
  v.title('`signed`, `chained to waypoint ...` or `not yet proven`'),
);
const provenOrNot = v.pipe(
  v.custom<Proven | 'not checked'>((value) => typeof value === 'string'),
  v.title('`signed`, `chained to waypoint ...`, `not yet proven` or `not checked`'),
);

export type Totals = v.InferOutput<typeof totals>;
export const totals = v.object({
  ranges: field(number, 'finished ranges'),
  records: field(u64Text, 'records in them'),
  chunks: field(number, 'chunk files in them'),
  bytes: field(number, 'bytes of these files'),
  reused: field(number, 'chunks among them that an earlier attempt had stored'),
  lies: maybe(v.array(lie), 'nodes that sent data that failed its proof, in other attempts'),
});

export type FailedRange = v.InferOutput<typeof failedRange>;
export const failedRange = v.object({
  range: field(text, 'its first and its last record'),
  reason: field(text, 'why it failed'),
  quarantined: maybe(yes, 'it kills every worker, so only the apart worker tries it'),
  pruned: maybe(yes, 'no node has it any more'),
});

/** Answer of the `status` query of a backup workflow. */
export type BackupStatus = v.InferOutput<typeof backupStatus>;
export const backupStatus = v.object({
  target: field(text, 'what it backs up'),
  phase: field(v.picklist(PHASES), 'what it does; `blocked`: it waits for a `retry`'),
  waiting_for: maybe(text, 'what it waits for'),
  folder: maybe(text, 'its folder in the storage, once it is planned'),
  ranges_total: field(number, 'its ranges; 0 until it is planned'),
  records_total: field(u64Text, 'its records'),
  done: field(totals, 'what is stored'),
  concurrency: field(number, 'ranges in flight at most'),
  paused: field(flag, 'whether it begins no range until a `resume`'),
  failed: field(v.array(failedRange), 'ranges that failed for good'),
  segment: maybe(
    text,
    'workflow id of the running segment; its `status` counts what `done` does not have yet',
  ),
});

/** Answer of the `status` query of a segment. */
export type SegmentStatus = v.InferOutput<typeof segmentStatus>;
export const segmentStatus = v.object({
  done: field(totals, 'what it has stored'),
  failed: field(v.array(failedRange), 'ranges that failed for good'),
});

const anchor = v.object({
  waypoint: field(text, "waypoint of the chain's genesis"),
  confirmed: field(flag, 'whether something other than the node confirms it'),
  network: maybe(text, 'the network whose genesis it is'),
});

/** The fields that the results of all kinds have. */
export type Outcome = v.InferOutput<typeof outcome>;
const outcome = v.object({
  backup: field(text, 'its folder in the storage'),
  manifest: field(text, 'its manifest'),
  metadata: field(text, 'the file with its metadata line'),
  records: field(u64Text, 'records in it'),
  chunks: field(number, 'chunk files'),
  bytes: field(number, 'bytes of these files'),
  proven: field(provenOrNot, 'how it is proven'),
  anchor: field(anchor, 'the genesis that all proofs lead back to'),
  chunks_reused: field(number, 'chunks that an earlier attempt had stored'),
  already_committed: field(flag, 'whether it was in the storage before'),
  lies: maybe(v.array(lie), 'nodes that sent data that failed its proof, in other attempts'),
});

/** What a backup workflow returns, with the fields of every kind (`ResultOf` is the type of one kind). */
export const backupResult = v.object({
  type: field(backupType, 'the kind of the backup'),
  ...outcome.entries,
  ...v.partial(v.object(fieldsOfKinds())).entries,
});

function fieldsOfKinds(): v.ObjectEntries {
  const entries: v.ObjectEntries = {};
  for (const type of BACKUP_TYPES) Object.assign(entries, rulesOf(type).result.entries);
  return entries;
}

/** What one run of `backupDue` did. */
export type DueResult = v.InferOutput<typeof dueResult>;
export const dueResult = v.object({
  committed: field(v.array(text), 'metadata lines that it wrote, or that were there already'),
  waiting_for: field(
    v.object({
      epoch_ending: v.optional(text),
      state_snapshot: v.optional(text),
      transaction: v.optional(text),
    }),
    'what each stream has to wait for now',
  ),
  more: field(flag, 'whether more is due than one run may do'),
  lies: maybe(v.array(lie), 'nodes that sent data that failed its proof'),
});
