import * as v from 'valibot';
import { perKind } from '../kinds/index.js';
import { flag, text, u64Text } from '../shape.js';
import { field, isoTime, maybe, number } from './fields.js';
import { restorable } from './coordinator-answers.js';
import { LEVELS, healthJson } from './shown-answers.js';

/** A point of a stream's history. */
export type Sample = v.InferOutput<typeof sample>;
export const sample = v.object({
  at: field(isoTime, 'when'),
  rate: field(number, 'records a second that were stored since the point before'),
  lag: maybe(number, 'how far the storage was behind the node, in epochs or versions'),
});

/** An activity of a unit in work. */
const pageRange = v.object({
  what: field(text, 'the activity'),
  phase: maybe(text, 'what it does'),
  attempt: field(number, 'the number of the attempt'),
  reason: maybe(text, 'why the attempt before failed'),
  records: maybe(number, 'records that are stored or in hand'),
  bytes: maybe(number, 'bytes that are stored or in hand'),
});

export type UnitInWork = v.InferOutput<typeof unitInWork>;
const unitInWork = v.object({
  workflow_id: field(text, 'its workflow'),
  target: field(text, 'what is backed up'),
  phase: field(text, 'what it does'),
  waiting_for: maybe(text, 'what it waits for'),
  ranges_done: field(number, 'finished ranges'),
  ranges_total: field(number, 'its ranges; 0 until it is planned'),
  in_flight: field(v.array(pageRange), 'its running activities; the first twenty'),
  failed: field(
    v.array(v.object({ range: field(text, 'the range'), reason: field(text, 'why') })),
    'ranges that failed for good; the first twenty',
  ),
});

export type RunningWork = v.InferOutput<typeof runningWork>;
const runningWork = v.object({
  workflow_id: field(text, 'its id'),
  type: field(text, 'its type'),
  since: field(isoTime, 'when it began'),
});

/** A worker process of any host. */
export type PollingWorker = v.InferOutput<typeof pollingWorker>;
const pollingWorker = v.object({
  works_on: field(v.picklist(['workflows', 'chunks', 'apart']), 'what it works on'),
  identity: field(text, 'PID@HOST, and a mark of its own'),
  asked_at: field(isoTime, 'when it last asked for work'),
});

export type PageEvent = v.InferOutput<typeof pageEvent>;
export const pageEvent = v.object({
  at: field(isoTime, 'when'),
  level: field(v.picklist(LEVELS), 'how bad it is'),
  what: field(text, 'what happened'),
  workflow_id: maybe(text, 'the workflow that it is about'),
});

/** What `/status.json` answers. */
export type PageStatus = v.InferOutput<typeof pageStatus>;
export const pageStatus = v.object({
  ...healthJson.entries,
  at: field(isoTime, 'the time of this host'),
  heard_at: maybe(isoTime, 'when the coordinator last answered'),
  history: maybe(
    v.object(perKind(() => field(v.array(sample), 'of one stream, the oldest first'))),
    'the last day of the streams, as far as the page was served in it',
  ),
  units: field(v.array(unitInWork), 'the units in work, with their ranges'),
  running: field(v.array(runningWork), 'other workflows of the storage that run'),
  pollers: maybe(
    v.array(pollingWorker),
    'workers of all hosts that lately asked for work; absent: see `workers`',
  ),
  events: field(v.array(pageEvent), 'what happened in the last three days, the newest first'),
  temporal: maybe(
    v.object({
      ui: field(text, 'URL of the Temporal UI'),
      namespace: field(text, 'the namespace of the workflows'),
      prefix: field(text, 'what the workflow id of a unit has before its name'),
    }),
    'where workflows can be looked at; absent: nobody said where the UI is',
  ),
  controls: field(
    v.object({
      refused: maybe(text, 'why the page controls nothing; absent: it may'),
      token: field(flag, 'whether a control needs the token'),
    }),
    'what the page may do',
  ),
});

/** From the worst to the best: where many parts are shown as one, the worst counts. */
export const PART_STATES = [
  ...['damaged', 'missing', 'unproven', 'unknown', 'unread', 'chained', 'signed', 'pruned'],
] as const;
export type PartState = (typeof PART_STATES)[number];

/** A stretch of versions of which the storage holds something, or should. */
export type CoveragePart = v.InferOutput<typeof coveragePart>;
const coveragePart = v.object({
  first: field(u64Text, 'its first version'),
  last: field(u64Text, 'its last version'),
  epochs: maybe(text, 'of epoch endings and snapshots: its epochs'),
  state: field(
    v.picklist(PART_STATES),
    'how it is stored: proven by signatures or by the chain of hashes, not proven yet, `unknown` (nobody proved it), `unread` (not looked at yet), damaged, missing, or given up by a keep rule; of several backups the worst',
  ),
  backups: field(number, 'how many backups it stands for'),
  backup: maybe(text, 'the folder of its first backup'),
  verified_at: maybe(
    isoTime,
    'when all of it was last read by verifications; of several the oldest',
  ),
  fault: maybe(text, 'what is wrong with it'),
});

/** What `/coverage.json` answers. */
export type PageCoverage = v.InferOutput<typeof pageCoverage>;
export const pageCoverage = v.object({
  at: field(isoTime, 'when the storage was looked at'),
  first: field(u64Text, 'the first version of the window'),
  last: field(u64Text, 'the last version of the window'),
  newest: field(u64Text, 'the newest version that the storage or the node has'),
  backups: field(number, 'backups in the storage'),
  unread: field(number, 'of these, those whose folders were not looked at yet'),
  unreadable: field(number, 'metadata files that cannot be read'),
  rows: field(
    v.object(perKind(() => field(v.array(coveragePart), 'of one kind, by version'))),
    'what is in the window',
  ),
  restorable: field(restorable, 'what the stock tool restores, without what is damaged'),
  verified_at: maybe(isoTime, 'when the whole storage was last proven'),
});
