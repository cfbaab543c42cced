import * as v from 'valibot';
import { flag, text, time } from '../shape.js';
import { coordinatorStatus } from './coordinator-answers.js';
import { field, isoTime, maybe, number, yes } from './fields.js';
import { verifyProgress } from './verify-answers.js';

const attempt = {
  attempt: field(number, 'the number of the running or next attempt'),
  reason: field(text, 'why the attempt before failed'),
};

/** Progress of a unit, from the heartbeats of the activity that waits for it. */
export type UnitProgress = v.InferOutput<typeof unitProgress>;
const unitProgress = v.object({
  done: field(number, 'records that are stored or in work'),
  total: field(number, 'records of the unit'),
  bytes: field(number, 'bytes that are stored or in work'),
  advanced_at: maybe(time, 'when it last made progress; absent: none was seen yet'),
  rate: maybe(number, 'records a second, since the first heartbeat'),
  retrying: maybe(v.object(attempt), 'the worst of its activities that are tried again'),
  failed_ranges: field(number, 'ranges that failed for good'),
});

/** A workflow whose own code fails. It makes no progress until a worker with other code runs it. */
export type StuckWorkflow = v.InferOutput<typeof stuckWorkflow>;
const stuckWorkflow = v.object({
  workflow_id: field(text, 'its id'),
  type: field(text, 'its type'),
  since: field(isoTime, 'when its task first failed'),
  failure: field(text, 'how it last failed, from its history'),
  advice: field(text, 'what to do'),
});

/** When a storage was last verified, with what result. */
export type LastVerification = v.InferOutput<typeof lastVerification>;
const lastVerification = v.object({
  running: field(flag, 'whether one runs'),
  started_at: maybe(isoTime, 'when the newest was begun'),
  succeeded_at: maybe(isoTime, 'when one last succeeded'),
  failed_at: maybe(isoTime, 'when one last found damage or could not be completed'),
  failed_why: maybe(text, 'why, as long as the server knows it'),
  first_at: maybe(isoTime, 'when the first one ended'),
  whole_at: maybe(isoTime, 'when the whole storage was last proven, in one run or in several'),
  // Runs that read a part each may never catch up with the few backups that are added meanwhile.
  rotated_at: maybe(isoTime, 'when at least 95 % of the backups were last proven'),
  progress: maybe(verifyProgress, 'how far the newest one is'),
  read: maybe(
    v.object({
      backups: field(number, 'backups that were read and are in order'),
      of: field(number, 'backups in the storage'),
      since: maybe(isoTime, 'the oldest time at which one of these was last read'),
    }),
    'what all verifications together have read',
  ),
});

/** When restore drills of a storage were, with what result. */
export type LastDrill = v.InferOutput<typeof lastDrill>;
const lastDrill = v.object({
  running: field(flag, 'whether one runs'),
  started_at: maybe(isoTime, 'when the newest was begun'),
  succeeded_at: maybe(isoTime, 'when one last succeeded'),
  restored_at: maybe(isoTime, 'when one last succeeded that restored with the stock tool'),
  failed_at: maybe(isoTime, 'when one last failed'),
  failed_why: maybe(text, 'why, as long as the server knows it'),
});

/** The state of a schedule, from the server. */
export type ListedSchedule = v.InferOutput<typeof listedSchedule>;
export const listedSchedule = v.object({
  id: field(text, 'its id'),
  paused: field(flag, 'whether it is paused'),
  note: maybe(text, 'its note'),
  every_ms: maybe(number, 'milliseconds between two runs; absent: it has a calendar'),
  sample: maybe(text, 'of verifications: how much each run reads'),
  created_at: field(isoTime, 'when it was made'),
  next: maybe(isoTime, 'when its next run begins'),
  overdue: maybe(yes, '`next` is in the past, and its run has not begun'),
  last: maybe(isoTime, 'when its last run began'),
  outcome: maybe(
    v.picklist(['runs', 'done', 'failed', 'stopped', 'unknown']),
    'how that run ended; `unknown`: the server no longer keeps it',
  ),
  why: maybe(text, 'why it failed'),
  missed: field(number, 'runs that were due while the server was down, and were skipped'),
});

/** A way of notifications, and how it does. */
export type NotificationWay = v.InferOutput<typeof notificationWay>;
const notificationWay = v.object({
  way: field(v.picklist(['webhook', 'command']), 'how they are sent'),
  to: field(text, 'the server of the webhook, or the program'),
  delivered_at: maybe(isoTime, 'when one was last delivered'),
  failing_since: maybe(isoTime, 'since when they do not get through'),
  why: maybe(text, 'why the last try failed'),
});
const notifications = v.array(notificationWay);

/** The coordinator's status, with what the server and the heartbeats of its activities say. */
export type LiveStatus = v.InferOutput<typeof liveStatus>;
export const liveStatus = v.object({
  ...coordinatorStatus.entries,
  progress: field(
    v.object({
      epoch_ending: v.optional(unitProgress),
      state_snapshot: v.optional(unitProgress),
      transaction: v.optional(unitProgress),
    }),
    'progress of the units in work, from heartbeats',
  ),
  retrying: field(
    v.array(v.object({ what: field(text, 'the activity'), ...attempt })),
    "the coordinator's own activities that failed and are tried again",
  ),
  history_events: field(number, 'events of the current run of the workflow'),
  task_attempts: field(number, 'attempts of its open workflow task; 0: none is open'),
  stuck: field(v.array(stuckWorkflow), 'other workflows of the storage whose own code fails'),
  verification: maybe(lastVerification, 'the last verification of the storage'),
  drill: maybe(lastDrill, 'the last restore drill; absent: there was none'),
  schedules: maybe(v.array(listedSchedule), 'its schedules; absent: there are none'),
  notifications: maybe(
    notifications,
    'how notifications do, by the data folder of the command; absent: none are sent from there',
  ),
});

/** The levels that monitoring systems use. Their exit codes are 0, 1 and 2. */
export const LEVELS = ['ok', 'warning', 'critical'] as const;
export type Level = (typeof LEVELS)[number];
const level = v.picklist(LEVELS);

/** What `status --check --json` prints. */
export type Health = v.InferOutput<typeof health>;
export const health = v.object({
  level: field(level, 'the worst of the reasons'),
  reasons: field(
    v.array(
      v.object({
        level: field(level, 'how bad it is'),
        code: field(text, 'what kind of trouble, see [errors.md](errors.md)'),
        what: field(text, 'what is wrong'),
        since: maybe(isoTime, 'since when, where it is known'),
      }),
    ),
    'what is wrong, the worst first; empty: nothing',
  ),
});

/** A worker process, as `/healthz` shows it. */
export type WorkerStatus = v.InferOutput<typeof workerStatus>;
const workerStatus = v.object({
  role: field(v.picklist(['workflows', 'chunks', 'apart']), 'what it works on'),
  name: field(text, 'its name in logs'),
  pid: maybe(number, 'its process id; absent: it is being started again'),
  connected: field(flag, 'whether the Temporal server answers when it polls for work'),
  since: field(isoTime, 'when this process was started'),
  restarts: field(number, 'how often it was started again'),
  last_death: maybe(
    v.object({ at: field(isoTime, 'when'), how: field(text, 'why it died') }),
    'its last death',
  ),
  in_hand: field(v.record(v.string(), number), 'running activities, by type'),
});

/** What `/healthz` answers: the health, and the details of what runs in this process. */
export type HealthJson = v.InferOutput<typeof healthJson>;
export const healthJson = v.object({
  ...health.entries,
  status: maybe(liveStatus, 'the status of the coordinator, if this process follows one'),
  workers: maybe(v.array(workerStatus), 'the worker processes of this host, if some run'),
  notifications: maybe(notifications, 'how notifications do, if this process sends some'),
});
