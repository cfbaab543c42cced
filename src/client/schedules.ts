import { type Client, ScheduleAlreadyRunning, ScheduleOverlapPolicy } from '@temporalio/client';
import { InputError, show } from '../contract/schema.js';
import type { StorageConfig } from '../contract/job.js';
import { CONTROL_QUEUE } from '../contract/messages.js';
import { workflowPrefix } from './workflow-prefix.js';
import { SCHEDULE_KINDS, type ScheduleInput, kindOfSchedule } from './schedule-kinds.js';
import { scheduleState } from './schedule-state.js';
import type { Plan } from './stored-schedule.js';
import { storageName } from '../contract/storage-name.js';
import type { ListedSchedule } from '../contract/answers/shown-answers.js';
import { inLargestUnit, inSeconds } from '../lib/time-units.js';

export { SCHEDULE_KINDS } from './schedule-kinds.js';

const PREFIX = 'aptos-backup/';

/** Longest time a server needs to come back and handle its schedules. */
const COMES_BACK_MS = 10 * 60_000;

/**
 * The server skips a run while the one before it still runs. After an outage of any length it makes up for the
 * newest missed run. Of several missed runs only one begins; that loses nothing, because each run does
 * everything that is due.
 */
function policiesOf(everyMs: number) {
  return { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: everyMs + COMES_BACK_MS };
}

/** Creates a schedule, or replaces the one of the same kind and storage. Returns its id. */
export function createSchedule(
  client: Client,
  kind: string,
  input: ScheduleInput,
  every?: string,
): Promise<string> {
  return putSchedule(client, scheduleOf(kind, input, every));
}

/** Creates a schedule as it is defined, or replaces the one with its id. Returns its id. */
export async function putSchedule(
  client: Client,
  schedule: ReturnType<typeof scheduleOf>,
): Promise<string> {
  const { scheduleId } = schedule;
  try {
    await client.schedule.create(schedule);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await client.schedule.getHandle(scheduleId).update(({ state }) => ({
      ...schedule,
      state: { ...state, ...schedule.state },
    }));
  }
  return scheduleId;
}

/**
 * The definition of a schedule for the server. `memo` goes to each of its runs, too.
 * @throws InputError; asks no server
 */
export function scheduleOf(
  kind: string,
  input: ScheduleInput,
  every?: string,
  memo: Record<string, string> = {},
) {
  const { fixed, ...settings } = kindOfSchedule(kind, input);
  const scheduleId = scheduleIdOf(input.storage, kind);
  const everyMs = interval(every ?? settings.every);
  return {
    scheduleId,
    spec: { intervals: [{ every: everyMs }] },
    action: {
      type: 'startWorkflow' as const,
      workflowType: settings.workflowType,
      workflowId: scheduleId,
      taskQueue: CONTROL_QUEUE,
      args: [fixed],
      memo,
      staticSummary: settings.note,
    },
    policies: policiesOf(everyMs),
    state: { note: `${settings.note}, to ${storageName(input.storage)}` },
  };
}

/** How often the schedule of a definition runs, and what each run gets. */
export function planOf({ spec, action }: ReturnType<typeof scheduleOf>): Plan {
  return { everyMs: spec.intervals[0]!.every, input: action.args[0] };
}

/** The state of all our schedules, for every storage, sorted by id. */
export async function listSchedules(client: Client): Promise<ListedSchedule[]> {
  const found: ListedSchedule[] = [];
  for await (const id of scheduleIds(client)) {
    const state = await scheduleState(client, id, Date.now());
    if (state) found.push(state);
  }
  return found.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** The ids of all our schedules, for every storage. */
export async function* scheduleIds(client: Client): AsyncGenerator<string> {
  for await (const { scheduleId } of client.schedule.list()) {
    if (scheduleId.startsWith(PREFIX)) yield scheduleId;
  }
}

/** The state of the schedules of one storage. */
export async function schedulesOf(client: Client, storage: StorageConfig) {
  const found: ListedSchedule[] = [];
  for (const kind of SCHEDULE_KINDS) {
    const state = await scheduleState(client, scheduleIdOf(storage, kind), Date.now());
    if (state) found.push(state);
  }
  return found;
}

/** Deletes a schedule by its id. A run that has begun goes on to its end. */
export async function deleteSchedule(client: Client, id: string): Promise<void> {
  await client.schedule.getHandle(id).delete();
}

export function scheduleIdOf(storage: StorageConfig, kind: string): string {
  return `${workflowPrefix(storage)}schedule/${kind}`;
}

const INTERVAL = /^([1-9][0-9]{0,5})(s|m|h|d)$/;

/** Runs that follow each other faster do nothing but ask: a slip, like `5s` for `5h`. */
const LEAST_SECONDS = 30;

/** What is wrong with a text that should say how often, as the end of a sentence; undefined: nothing. */
export function intervalProblem(value: unknown): string | undefined {
  const seconds = typeof value === 'string' ? secondsOf(value) : undefined;
  if (seconds === undefined) return `must be a time like 10m, 1h or 1d, not ${show(value)}`;
  if (seconds >= LEAST_SECONDS) return undefined;
  return `must be ${inLargestUnit(LEAST_SECONDS)} or more, not ${show(value)}`;
}

function secondsOf(text: string): number | undefined {
  const match = INTERVAL.exec(text);
  return match ? inSeconds(match[1]!, match[2]!) : undefined;
}

/** Parses an interval such as 10m, 1h or 1d into milliseconds. @throws InputError */
function interval(text: string): number {
  const seconds = secondsOf(text);
  if (seconds === undefined) {
    throw new InputError(`--every takes a time like 10m, 1h or 1d, not "${text}"`);
  }
  if (seconds < LEAST_SECONDS) {
    throw new InputError(
      `--every must be ${inLargestUnit(LEAST_SECONDS)} or more, not "${text}": each run reads the storage anew, and a run that is due while the one before it works is skipped`,
    );
  }
  return seconds * 1_000;
}
