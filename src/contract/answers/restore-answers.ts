import * as v from 'valibot';
import { flag, text, u64Text } from '../shape.js';
import { field, isoTime, maybe, number, run } from './fields.js';

const files = field(number, 'files that it is made of, as far as the tool reads them');
const size = maybe(number, 'bytes of these, as they are stored; absent: not known');

const snapshotUse = v.object({
  epoch: field(u64Text, 'its epoch'),
  version: field(u64Text, 'its version'),
  manifest: field(text, 'its manifest'),
  root_hash: field(text, 'the state root that its manifest names'),
  items: field(u64Text, 'its items'),
  files,
  bytes: size,
});

const rangeUse = {
  first: field(u64Text, 'the first epoch or version that the tool reads'),
  last: field(u64Text, 'the last one'),
  backups: field(number, 'backups'),
  files,
  bytes: size,
};

/** What a restore by the stock tool takes from a storage, and how to run it. */
export type RestorePlan = v.InferOutput<typeof restorePlan>;
export const restorePlan = v.object({
  ok: field(
    flag,
    'whether the tool reaches what was asked for: the target, or else all that is stored',
  ),
  storage: field(text, 'the storage'),
  target_version: maybe(u64Text, 'the target that was asked for'),
  from_version: maybe(u64Text, 'where history was asked to begin'),
  restores_to: maybe(
    v.object({
      version: field(u64Text, 'the version'),
      epoch: field(u64Text, 'the newest epoch that is known to end there or before'),
    }),
    'how far the tool gets; absent: it restores nothing',
  ),
  newest_version: maybe(u64Text, 'the newest version that any metadata line names'),
  why: field(v.array(text), 'why it gets no further; the first is the first thing that is missing'),
  tree_snapshot: maybe(snapshotUse, 'the state snapshot of which it makes the state tree'),
  kv_snapshot: maybe(
    snapshotUse,
    'an older one with which history begins; absent: history begins with the other one',
  ),
  transactions: maybe(
    v.object({
      ...rangeUse,
      saved: field(u64Text, 'transactions that are stored as they are'),
      kv_replayed: field(u64Text, 'of these, whose write sets are replayed into the state values'),
      executed: field(u64Text, 'transactions that are executed again, after the snapshot'),
    }),
    'the transactions that it reads',
  ),
  epoch_endings: maybe(v.object(rangeUse), 'the epoch endings that it reads'),
  fetch: maybe(
    v.object({
      bytes: maybe(number, 'bytes to fetch; what the tool reads twice counts twice'),
      files: field(number, 'files to fetch, in the same way'),
      by: field(text, 'where the sizes come from'),
    }),
    'what it fetches',
  ),
  disk: maybe(
    v.object({
      bytes: maybe(number, 'bytes of the new database; absent: not known'),
      by: field(text, 'from what this is estimated'),
    }),
    'what it needs on the disk of the new database',
  ),
  time: maybe(
    v.object({
      seconds: maybe(number, 'the sum of the steps; absent: a rate is not known'),
      steps: field(
        v.array(
          v.object({
            what: field(text, 'the step'),
            amount: field(u64Text, 'how much'),
            unit: field(text, 'of what'),
            rate: maybe(number, 'how much of it a second'),
            rate_by: field(text, 'where the rate comes from'),
            seconds: maybe(number, 'how long it takes'),
          }),
        ),
        'the steps; the tool does some of them side by side, so all of them together take no longer than this',
      ),
    }),
    'how long it takes',
  ),
  chain: maybe(
    v.object({
      genesis: maybe(text, 'waypoint of the genesis'),
      confirmed: field(flag, 'whether a waypoint from outside the storage confirms the chain'),
      newest: maybe(text, 'waypoint of the newest epoch ending up to the target'),
      unsigned: maybe(
        run,
        'of the epochs: unsigned history; the signatures of all others were checked',
      ),
      why: field(v.array(text), 'what is wrong with the epoch endings'),
    }),
    'the chain of the epoch endings',
  ),
  waypoints: field(
    v.array(
      v.object({
        waypoint: field(text, '`VERSION:HASH`'),
        epoch: maybe(u64Text, 'the epoch that ends there; absent: the storage does not reach it'),
        from: field(
          v.picklist(['given', 'built in', 'storage']),
          '`storage`: it is only as good as the storage; compare it with another source before you use it',
        ),
      }),
    ),
    'waypoints to trust',
  ),
  commands: maybe(
    v.object({
      restore: field(text, 'restores'),
      verify: maybe(
        text,
        'lets the stock tool verify the same before; absent: it would fail, as a note says',
      ),
      adapter: maybe(
        v.object({
          file: field(text, 'the file in which the commands look for it'),
          yaml: field(text, 'its content'),
        }),
        'a command adapter to save first: the tool itself cannot read this storage',
      ),
    }),
    'the commands of the stock tool',
  ),
  notes: field(v.array(text), 'what to know before it is run'),
});

/** How fast and how large the last restore of a drill was. */
export type RestoreRates = v.InferOutput<typeof restoreRates>;
export const restoreRates = v.object({
  at: field(isoTime, 'when it ended'),
  seconds: field(number, 'how long the tool ran'),
  items_per_second: maybe(number, 'items of the snapshots a second'),
  saved_per_second: maybe(number, 'transactions saved a second'),
  kv_replayed_per_second: maybe(number, 'transactions a second whose write sets were replayed'),
  executed_per_second: maybe(number, 'transactions executed a second'),
  fetched_bytes: maybe(number, 'bytes that it fetched, by the plan'),
  db_bytes: field(number, 'bytes of the new database'),
});

/** The result of a drill. */
export type DrillReport = v.InferOutput<typeof drillReport>;
export const drillReport = v.object({
  ok: field(flag, 'whether all steps succeeded'),
  storage: field(text, 'the storage'),
  began_at: field(isoTime, 'when it began'),
  seconds: field(number, 'how long it took'),
  why: field(v.array(text), 'what failed'),
  version: maybe(u64Text, 'the version up to which the restore goes'),
  snapshot_version: maybe(u64Text, 'the version of the snapshot that it begins with'),
  proof: maybe(
    v.object({
      ok: field(flag, 'whether every file that the restore needs was read and proven'),
      seconds: field(number, 'how long it took'),
      records: field(text, 'records'),
      bytes: field(number, 'bytes'),
      objects: field(number, 'objects'),
    }),
    'reading and proving every file that the restore needs',
  ),
  restore: maybe(
    v.object({
      ok: field(flag, 'whether the tool restored what it should have'),
      seconds: field(number, 'how long it ran'),
      exit: maybe(text, 'how it ended'),
      version: maybe(u64Text, 'the last version that it has said'),
      root_hash: maybe(text, 'the state root that it has said'),
      root_version: maybe(u64Text, 'of this version'),
      expected_root_hash: field(text, 'the state root that is proven'),
      db_bytes: field(number, 'bytes of the new database'),
      why: field(v.array(text), 'what is wrong with it'),
      last_lines: field(v.array(text), 'if it failed: the last lines that it has said'),
    }),
    'the run of the stock tool; absent: none was given, or it was not run',
  ),
  without_tool: maybe(text, 'why nothing was restored, although nothing failed'),
});

/** Answer of the `status` query of a drill. */
export type DrillStatus = v.InferOutput<typeof drillStatus>;
export const drillStatus = v.object({
  phase: field(v.picklist(['planning', 'proving', 'restoring', 'done']), 'what it does'),
  version: maybe(u64Text, 'the version up to which the restore goes'),
  verification: maybe(text, 'the workflow that reads and proves'),
});
