import * as v from 'valibot';
import { flag, text, u64Text } from '../shape.js';
import { restorable } from './coordinator-answers.js';
import { field, isoTime, maybe, number, run, yes } from './fields.js';

const kind = v.pipe(
  v.picklist(['epoch_ending', 'state_snapshot', 'transaction']),
  v.title('kind of backup'),
);

export type RetiredBackup = v.InferOutput<typeof retiredBackup>;
const retiredBackup = v.object({
  backup: field(text, 'its folder'),
  kind: field(kind, 'what it holds'),
  ...run.entries,
  at: maybe(isoTime, 'of a snapshot: the time of its ledger info'),
  bytes: maybe(number, 'bytes of its files as stored; absent where the storage lists no folders'),
});

const keptSnapshot = v.object({
  backup: field(text, 'its folder'),
  epoch: field(u64Text, 'its epoch'),
  version: field(u64Text, 'its version'),
  at: maybe(isoTime, 'the time of its ledger info'),
  why: field(v.array(text), 'the rules that keep it'),
});

/** What keep rules retire, before it happens or after. */
export type PruneAnswer = v.InferOutput<typeof pruneAnswer>;
export const pruneAnswer = v.object({
  storage: field(text, 'the storage'),
  done: field(flag, 'whether it was done; else it is only a plan'),
  retired: field(v.array(retiredBackup), 'what goes; the first ones of each kind'),
  retired_count: field(number, 'how many there are'),
  retired_bytes: field(number, 'bytes of all of them'),
  kept_snapshots: field(v.array(keptSnapshot), 'snapshots that stay; the newest ones'),
  kept_snapshots_count: field(number, 'how many there are'),
  pinned: field(v.array(text), 'backups that a rule would retire and a pin keeps'),
  would_lose: field(v.array(run), 'versions that the stock tool could no longer restore'),
  restorable_before: field(restorable, 'what the stock tool restores now'),
  restorable_after: field(restorable, 'what it restores afterwards'),
  data_from: maybe(isoTime, 'from when on gc may remove the data, by the clock of the storage'),
  data_stays: maybe(text, 'why no data will ever be removed'),
  denied: maybe(yes, 'the storage does not let us delete: the metadata of what was to go stays'),
});

const gcLeft = v.object({
  folder: field(text, 'the folder'),
  why: field(text, 'why it stays'),
});

/** What gc removed, or would remove. */
export type GcAnswer = v.InferOutput<typeof gcAnswer>;
export const gcAnswer = v.object({
  storage: field(text, 'the storage'),
  done: field(flag, 'whether it was done; else it is only a plan'),
  removed: field(
    v.array(v.object({ folder: field(text, 'the folder'), why: field(text, 'why it goes') })),
    'what goes; the first ones',
  ),
  removed_count: field(number, 'how many folders'),
  removed_bytes: field(number, 'bytes of these, as stored'),
  waiting: field(number, 'retired backups whose grace is not over'),
  waiting_bytes: field(number, 'bytes of these'),
  left: field(v.array(gcLeft), 'folders that no metadata names and that stay; the first ones'),
  left_count: field(number, 'how many there are'),
  unfinished_removed: field(number, 'unfinished files of dead writers that were removed'),
  unfinished_left: field(number, 'unfinished files that may still be written'),
  leases_removed: field(number, 'files of old leases that were removed'),
  denied: field(flag, 'the storage does not let us delete; what was to go stays'),
  blocked: maybe(text, 'why no folder was looked at'),
});
