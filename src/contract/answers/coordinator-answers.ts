import * as v from 'valibot';
import { nodeAmounts } from './limiter-answers.js';
import { flag, text, time, u64Text } from '../shape.js';
import { keptCopy } from './copy-answers.js';
import { field, isoTime, maybe, number, run, yes } from './fields.js';

/** `next` is a version, or the epoch of a snapshot. */
export type PruneEdge = v.InferOutput<typeof pruneEdge>;
export const pruneEdge = v.object({
  next: field(u64Text, 'the version, or the epoch of a snapshot, that comes next'),
  versions: field(number, 'how many versions the node is from pruning it'),
  seconds: maybe(number, 'the same in seconds, at the rate of the chain'),
  window: field(number, 'how many versions the node keeps'),
});

export type StreamStatus = v.InferOutput<typeof streamStatus>;
export const streamStatus = v.object({
  state: field(v.picklist(['working', 'waiting', 'paused', 'failing']), 'what it does'),
  paused: maybe(yes, 'nothing new is begun before a resume, even while a unit is still in work'),
  waiting_for: maybe(text, 'what it waits for, or the alarm that must end first'),
  current: maybe(
    v.object({
      target: field(text, 'what is backed up'),
      workflow_id: field(text, 'the workflow that backs it up'),
      since: field(isoTime, 'when it was begun'),
      attempts: field(number, 'how often this unit was begun, including this time'),
    }),
    'the unit in work',
  ),
  last_commit: maybe(
    v.object({ what: field(text, 'the unit'), at: field(isoTime, 'when it was committed') }),
    'the newest unit that was committed',
  ),
  last_error: maybe(
    v.object({
      unit: field(text, 'the unit that failed'),
      code: field(text, 'the code of the error, see [errors.md](errors.md)'),
      reason: field(text, 'what failed'),
      at: field(isoTime, 'when'),
    }),
    'the last error; forgotten with the next commit',
  ),
  due_since: maybe(isoTime, 'since when something is ready to be stored'),
  newest: maybe(u64Text, 'newest epoch or version in the storage'),
  lag: maybe(u64Text, 'how far that is behind the node, in epochs or versions'),
  lag_seconds: maybe(
    number,
    'the same in seconds, at the rate of the chain; or the seconds since `due_since`',
  ),
  prune_edge: maybe(pruneEdge, 'how far the node is from pruning what comes next'),
  rate: maybe(number, 'records a second in the last unit'),
  eta_seconds: maybe(number, 'how long the rest takes at this rate, in seconds'),
  holes: field(v.array(run), 'gaps below the newest; the first twenty'),
  failed: field(
    v.array(
      v.object({
        unit: field(text, 'as `retry` takes it'),
        reason: field(text, 'why it failed'),
        code: field(text, 'the code of the error'),
        attempts: field(number, 'how often it was begun'),
        retry_at: field(isoTime, 'when it is tried again'),
      }),
    ),
    'units that failed and rest; the first twenty',
  ),
  failed_count: field(number, 'how many there are'),
  quarantined: field(v.array(text), 'failed units with a chunk that no worker survives'),
  committed: field(number, 'units that this coordinator has committed'),
  committed_records: field(u64Text, 'records in them'),
  committed_bytes: field(number, 'bytes in them'),
  failures: field(v.record(v.string(), number), 'units that failed, by code'),
});

const seen = v.object({
  ended_epochs: field(u64Text, 'epochs below this one have ended'),
  version: field(u64Text, 'its newest version'),
  at: field(isoTime, 'when this was seen'),
  version_since: maybe(isoTime, 'when this version was first seen'),
  tip_at: maybe(isoTime, 'when the chain made the newest ledger info, by its own clock'),
  unconfirmed_genesis: maybe(text, 'waypoint of a genesis that no trusted waypoint confirms'),
  oldest_version: maybe(u64Text, 'oldest version that a node still has'),
  node: maybe(text, 'with several nodes: the one in use'),
  resting: maybe(
    v.array(
      v.object({
        node: field(text, 'its URL'),
        until: field(isoTime, 'until when it rests'),
        why: field(text, 'what it did wrong'),
      }),
    ),
    'nodes that are left alone for some time',
  ),
});

/** What the stock tool (`restore bootstrap-db`) restores now. */
export type Restorable = v.InferOutput<typeof restorable>;
export const restorable = v.object({
  yes: field(flag, 'whether it can restore anything'),
  version: maybe(u64Text, 'up to this version'),
  epoch: maybe(u64Text, 'the newest epoch that is known to end there or before'),
  history_from: maybe(u64Text, 'the lowest `--ledger-history-start-version`'),
  snapshot: maybe(
    v.object({ epoch: field(u64Text, 'its epoch'), version: field(u64Text, 'its version') }),
    'the snapshot that it begins with',
  ),
  needs_target_version: maybe(
    yes,
    'without `--target-version`, it tries to restore more and fails',
  ),
  why: field(v.array(text), 'why it restores nothing, or no more than this'),
});

/** When a storage was verified. */
export type VerifiedTimes = v.InferOutput<typeof verifiedTimes>;
const verifiedTimes = v.object({
  first: maybe(time, 'when a verification first ended, whatever its result'),
  good: maybe(time, 'when one last proved everything in its scope'),
  whole: maybe(time, 'when the whole storage was last proven, in one run or in several'),
  rotated: maybe(time, 'the same, except for the few backups that were added meanwhile'),
  failed: maybe(time, 'when one last found a fault'),
  drilled: maybe(time, 'when a restore drill last succeeded'),
  restored: maybe(time, 'when one last succeeded that restored with the stock tool'),
  drill_failed: maybe(time, 'when one last failed'),
});

const alarm = v.object({
  code: field(text, 'see [errors.md](errors.md)'),
  text: field(text, 'what is wrong'),
  since: field(isoTime, 'since when'),
});

const unreferenced = v.object({
  folders: field(number, 'folders'),
  first: field(
    v.array(
      v.object({
        folder: field(text, 'its name'),
        what: field(
          v.picklist(['unfinished', 'foreign']),
          '`unfinished`: ours, not committed; `foreign`: of somebody else',
        ),
      }),
    ),
    'the first twenty of these',
  ),
  files: field(number, 'unfinished files whose writers may still be alive'),
});

export const streamStatuses = v.object({
  epoch_ending: field(streamStatus, 'epoch endings'),
  state_snapshot: field(streamStatus, 'state snapshots'),
  transaction: field(streamStatus, 'transactions'),
});

/** Answer of the coordinator's `status` query. */
export type CoordinatorStatus = v.InferOutput<typeof coordinatorStatus>;
export const coordinatorStatus = v.object({
  phase: field(
    v.picklist(['starting', 'following', 'working', 'paused', 'trouble']),
    '`following`: nothing is due',
  ),
  node: field(text, 'the preferred node'),
  nodes: field(v.array(text), 'all nodes'),
  storage: field(text, 'where backups go'),
  network: maybe(text, 'the network, if it was named'),
  seen: maybe(seen, 'what the node had when it was last asked'),
  looked_anew_at: maybe(
    isoTime,
    'when the node was last asked anew: the nodes were changed, or it lacked what it had reported',
  ),
  concurrency: field(number, 'ranges in flight, in each stream'),
  settings: maybe(
    v.record(v.string(), text),
    'what may be changed while it runs, by the names of the input, each as text',
  ),
  node_limits: maybe(
    v.object(nodeAmounts('that may be open at a node at once')),
    'what a node may be asked for, by all work of the Temporal server together',
  ),
  streams: field(streamStatuses, 'the three streams'),
  alarms: field(v.array(alarm), 'what a person should look at; it goes away with its cause'),
  started_at: field(isoTime, 'when the coordinator was first started'),
  unreferenced: maybe(unreferenced, 'what no metadata line names'),
  runs: field(number, 'runs of the workflow; each begins a new history'),
  metadata_files: maybe(number, 'metadata files of the storage'),
  restorable: maybe(restorable, 'what the stock tool restores now, by the metadata'),
  verified: maybe(verifiedTimes, 'when the storage was verified, as the storage says'),
  copy: maybe(keptCopy, 'the copy that is kept in step; absent: there is none'),
});
