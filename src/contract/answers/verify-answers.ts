import * as v from 'valibot';
import type { FindingCode } from '../../errors/codes/findings-codes.js';
import { flag, text, u64Text } from '../shape.js';
import { AGAIN_REASONS } from '../verify-again.js';
import { proven } from './backup-answers.js';
import { restorable } from './coordinator-answers.js';
import { field, isoTime, maybe, number, run } from './fields.js';

/** Something that is wrong with a stored object. */
export type Finding = v.InferOutput<typeof finding>;
export const finding = v.object({
  object: field(text, 'the file, or the folder'),
  code: field(
    v.pipe(
      v.custom<FindingCode>((value) => typeof value === 'string'),
      v.title('code'),
    ),
    'see [errors.md](errors.md)',
  ),
  why: field(text, 'what is wrong with it'),
});

export type ProvenSpan = v.InferOutput<typeof provenSpan>;
const provenSpan = v.object({
  ...run.entries,
  proven: field(proven, 'how it is proven'),
});

/**
 * How many backups of transactions and snapshots were read whole and found in order, by all verifications together.
 */
export type ReadSoFar = v.InferOutput<typeof readSoFar>;
const readSoFar = v.object({
  backups: field(number, 'backups of transactions and snapshots that were read and are in order'),
  of_backups: field(number, 'backups of these kinds in the storage'),
  bytes: field(number, 'bytes of these'),
  of_bytes: field(number, 'bytes of all of these kinds'),
  since: maybe(isoTime, 'the oldest time at which one of these was last read'),
});

const snapshotId = v.object({
  epoch: field(u64Text, 'its epoch'),
  version: field(u64Text, 'its version'),
});

/** The result of a verification: what it found out about a storage. */
export type Coverage = v.InferOutput<typeof coverage>;
export const coverage = v.object({
  ok: field(flag, 'whether all that was asked for is there and proven'),
  storage: field(text, 'what was verified'),
  as_of: field(isoTime, 'when it was begun: what was stored later is left to the next one'),
  complete: field(flag, 'whether its scope was everything: no range, sample or budget'),
  stopped: maybe(
    v.object({
      by: field(v.picklist(['bytes', 'seconds']), 'which budget'),
      backups: field(number, 'backups that are left'),
      bytes: field(number, 'bytes that are left'),
      seconds: maybe(number, 'how long these take at the rate of this run'),
    }),
    'a budget ended it',
  ),
  genesis: maybe(text, 'waypoint of the genesis'),
  genesis_confirmed: field(flag, 'whether a trusted waypoint confirms it'),
  epoch_endings: field(v.array(provenSpan), 'what is stored and proven'),
  transactions: field(v.array(provenSpan), 'the same; if there are very many runs, the newest'),
  transactions_count: field(number, 'how many runs there are'),
  state_snapshots: field(
    v.array(
      v.object({
        ...snapshotId.entries,
        manifest: field(text, 'its manifest'),
        proven: field(proven, 'how it is proven'),
      }),
    ),
    'the same; if there are very many, the newest',
  ),
  state_snapshots_count: field(number, 'how many there are'),
  missing: field(
    v.object({
      epoch_endings: field(v.array(run), 'epochs'),
      transactions: field(v.array(run), 'versions'),
      state_snapshots: field(v.array(snapshotId), 'snapshots'),
    }),
    'what is missing or unusable between 0 and the newest; the first ones',
  ),
  missing_count: field(number, 'how many there are'),
  restorable_by_stock: field(restorable, 'what the stock tool restores now'),
  findings: field(v.array(finding), 'what is wrong; the first ones'),
  finding_count: field(number, 'how many there are'),
  orphans: field(v.array(text), 'folders and files that nothing refers to; the first ones'),
  orphan_count: field(number, 'how many there are'),
  checked: field(
    v.object({
      records: field(text, 'records'),
      bytes: field(number, 'bytes'),
      objects: field(number, 'objects'),
      proven_before: field(number, 'objects that were proven before and are unchanged'),
      read_again: field(
        v.partial(v.object(v.entriesFromList(AGAIN_REASONS, number))),
        'objects that were read again, by reason',
      ),
    }),
    'what was read',
  ),
  read_so_far: field(readSoFar, 'what all verifications have read'),
});

const progressFields = {
  epoch: maybe(u64Text, 'the newest epoch whose ending is proven'),
  epoch_version: maybe(u64Text, 'the version at which it ends'),
  version: maybe(u64Text, 'the newest version that is proven'),
  snapshot_version: maybe(u64Text, 'the newest snapshot that is proven, or in work'),
  items: maybe(u64Text, 'how many items of it are proven'),
  of_items: maybe(u64Text, 'how many items it has'),
};

/** How far a verification has come: its memo. Numbers are decimal strings, also times. */
export type VerifyProgress = v.InferOutput<typeof verifyProgress>;
export const verifyProgress = v.object({
  ...progressFields,
  read_backups: maybe(u64Text, 'at its end: backups that any verification has read'),
  of_backups: maybe(u64Text, 'backups in the storage'),
  read_since: maybe(
    u64Text,
    'the oldest time at which one of these was last read, unix milliseconds',
  ),
  whole_at: maybe(u64Text, 'when the whole storage was proven, unix milliseconds'),
  rotated_at: maybe(u64Text, 'the same, except for what was added meanwhile'),
  left_backups: maybe(u64Text, 'backups that a budget left out'),
  left_bytes: maybe(u64Text, 'bytes of these'),
});

/** Answer of the `status` query of a verification. */
export type VerifyStatus = v.InferOutput<typeof verifyStatus>;
export const verifyStatus = v.object({
  tasks: field(number, 'tasks that are done, in this run of the workflow'),
  records: field(text, 'records that were read'),
  bytes: field(number, 'bytes that were read'),
  objects: field(number, 'objects that were read'),
  proven_before: field(number, 'objects that were proven before and are unchanged'),
  finding_count: field(number, 'how much is wrong'),
  findings: field(v.array(finding), 'the first hundred of these'),
  progress: field(v.object(progressFields), 'how far it is'),
  records_done: maybe(number, 'records of finished tasks, also of those that were proven before'),
  records_total: maybe(number, 'about how many records its scope has'),
});
