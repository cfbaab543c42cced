import { ALARMS } from './alarms-codes.js';

interface ReasonEntry {
  readonly meaning: string;
  readonly whatToDo: string;
}

/**
 * Reasons of a health that are no alarms of a coordinator. A reason of one thing among several ends with its name:
 * PAUSED_transaction, SCHEDULE_FAILED_gc.
 */
export const REASONS = {
  STARTS: {
    meaning: 'The command or its coordinator starts. Nothing is known of storage or node yet.',
    whatToDo: 'Wait. If it lasts, it becomes NO_ANSWER or STARTING_LONG.',
  },
  NO_ANSWER: {
    meaning: 'Nothing answers for the coordinator.',
    whatToDo: 'See whether the Temporal server and a worker run. Start what does not.',
  },
  STARTING_LONG: {
    meaning: 'The coordinator runs, but could not read storage or node yet.',
    whatToDo: 'See whether storage and node answer: `aptos-backup check`, `query node-state`.',
  },
  STUCK: {
    meaning: 'The code of a workflow itself fails. The workflow goes on only with other code.',
    whatToDo: 'Do what the text says.',
  },
  STALLED: {
    meaning: 'A stream has something to store, and stores nothing.',
    whatToDo: 'See what it waits for in `status`. If the node is slow, raise the concurrency.',
  },
  PAUSED: { meaning: 'A stream is paused.', whatToDo: 'End the pause with `resume`.' },
  QUARANTINE: {
    meaning: 'No worker survives a chunk of this stream.',
    whatToDo: 'Read the crash reports in the data folder of the worker, then send a retry.',
  },
  NODE_UNSEEN: { meaning: 'No node has answered for long.', whatToDo: 'Look at the node.' },
  CONFIG_INVALID: {
    meaning: 'The configuration file has changed, and has mistakes. The settings before it stay.',
    whatToDo: 'Do what the text says. `check --config FILE` shows all mistakes.',
  },
  CONFIG_NOT_APPLIED: {
    meaning: 'The settings of the configuration file, or a schedule of it, are not applied.',
    whatToDo: 'Do what the text says. It is tried again every few seconds.',
  },
  TIP_OLD: {
    meaning: 'The newest version of the node is old.',
    whatToDo: 'See whether the node syncs, or give another one.',
  },
  GENESIS_UNCONFIRMED: {
    meaning: 'Nothing but the node says which chain this is.',
    whatToDo: 'Get the waypoint from another source, and give it as --trust-waypoint.',
  },
  NOT_RESTORABLE: {
    meaning: 'The stock tool can restore nothing from the storage.',
    whatToDo: 'Read why in `restore plan`. Most often a snapshot or epoch endings are missing.',
  },
  VERIFICATION_FAILED: {
    meaning: 'The last verification found damage, or could not be completed.',
    whatToDo: 'Run `verify`, and do what its findings say.',
  },
  VERIFICATION_OLD: {
    meaning: 'The storage was not verified for too long.',
    whatToDo: 'Run `verify`, or see why its schedule does not run.',
  },
  COPY_BEHIND: {
    meaning: 'The second storage was not in step for too long.',
    whatToDo: 'See the line `copy` of `status`.',
  },
  DRILL_FAILED: {
    meaning: 'The last restore drill failed.',
    whatToDo: 'Run `restore drill`, and do what it says.',
  },
  DRILL_OLD: {
    meaning: 'No restore drill has succeeded for too long.',
    whatToDo: 'Run `restore drill`, or see why its schedule does not run.',
  },
  SCHEDULE_PAUSED: { meaning: 'A schedule is paused.', whatToDo: 'Resume it, or delete it.' },
  SCHEDULE_OVERDUE: {
    meaning: 'A run of a schedule has not begun in time.',
    whatToDo: 'See whether the Temporal server is well.',
  },
  SCHEDULE_FAILED: {
    meaning: 'The last run of a schedule failed.',
    whatToDo: 'Do what the text says, then run the command of this schedule once.',
  },
  WORKER_AWAY: {
    meaning: 'A worker process has no connection to the Temporal server.',
    whatToDo: 'See whether the server runs, and read the log of the worker.',
  },
  WORKER_DIED: {
    meaning: 'A worker process died within the last ten minutes. It was started again.',
    whatToDo: 'Nothing, if it is rare. Else read the crash reports in the data folder.',
  },
  NOTIFICATIONS: {
    meaning: 'Notifications do not get through.',
    whatToDo: 'Try `aptos-backup notify test` with the same flags.',
  },
} as const satisfies Record<string, ReasonEntry>;

type ReasonName = keyof typeof REASONS;
/** The code of a reason: its name, or its name with that of the thing. */
export type ReasonCode = ReasonName | `${ReasonName}_${string}`;

/** What to do about an alarm of a coordinator, or another reason; undefined for a code of another version. */
export function whatToDoAbout(code: string): string | undefined {
  const all: Record<string, { whatToDo: string }> = { ...ALARMS, ...REASONS };
  const [name] = Object.keys(all)
    .filter((one) => code === one || code.startsWith(`${one}_`))
    .sort((a, b) => b.length - a.length);
  return name === undefined ? undefined : all[name]!.whatToDo;
}
