import { type Client, ScheduleAlreadyRunning, ScheduleOverlapPolicy } from '@temporalio/client';
import { type CoordinatorInput, parseDueInput } from '../contract/coordinator-input.js';
import { InputError } from '../contract/schema.js';
import type { BackupType, StorageConfig } from '../contract/job.js';
import { BACKUP_TYPES, rulesOf } from '../contract/kinds/index.js';
import { CONTROL_QUEUE } from '../contract/messages.js';
import { parseCopyInput } from '../contract/copy-input.js';
import { parseVerifyInput } from '../contract/verify-input.js';
import { storageId } from '../storage/open.js';
import { scheduleState } from './schedule-state.js';
import { storageName } from '../contract/storage-name.js';
import type { ListedSchedule } from '../contract/answers/shown-answers.js';

const PREFIX = 'aptos-backup/';

interface Kind {
  every: string;
  note: string;
  workflowType: 'backupDue' | 'verifyBackups' | 'copyBackups';
  /** Makes the input that every run gets. */
  input: (input: ScheduleInput) => object;
}

/** The input for a new schedule. `sample` says how much each verification reads, `to` where copies go. */
export type ScheduleInput = CoordinatorInput & { sample?: string; to?: StorageConfig };

/** The kinds of schedules that we create: what each run does, and the default interval. */
const KINDS: Record<string, Kind> = {
  ...Object.fromEntries(BACKUP_TYPES.map((type) => [type.replace('_', '-'), dueOf(type)])),
  due: due('10m', 'everything that is due', BACKUP_TYPES),
  verify: {
    every: '1d',
    note: 'a verification',
    workflowType: 'verifyBackups',
    input: ({ storage, network, trust_waypoints: waypoints, sample }) => ({
      storage,
      network,
      trust_waypoints: waypoints,
      // Runs skip what was proven and has not changed. A sample must be read again, so `again` is set.
      sample,
      again: sample === undefined ? undefined : true,
    }),
  },
  copy: {
    every: '1h',
    note: 'a copy',
    workflowType: 'copyBackups',
    input: ({ storage: from, network, trust_waypoints: waypoints, to }) => {
      return { from, to, network, trust_waypoints: waypoints };
    },
  },
};
export const SCHEDULE_KINDS = Object.keys(KINDS);

function dueOf(type: BackupType): Kind {
  const { after, schedule } = rulesOf(type);
  return due(schedule.every, schedule.note, [...after, type]);
}

function due(every: string, note: string, types: readonly BackupType[]): Kind {
  return {
    every,
    note,
    workflowType: 'backupDue',
    input: ({ sample: _, to: __, ...input }) => ({ ...input, types }),
  };
}

const PARSERS = {
  backupDue: parseDueInput,
  verifyBackups: parseVerifyInput,
  copyBackups: parseCopyInput,
};

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
export async function createSchedule(
  client: Client,
  kind: string,
  input: ScheduleInput,
  every?: string,
): Promise<string> {
  const schedule = scheduleOf(kind, input, every);
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

/** The definition of a schedule for the server. @throws InputError; asks no server */
export function scheduleOf(kind: string, input: ScheduleInput, every?: string) {
  const settings = KINDS[kind];
  if (!settings) throw new InputError(`a schedule is one of ${SCHEDULE_KINDS.join(', ')}`);
  if (input.sample !== undefined && kind !== 'verify') {
    throw new InputError('only a schedule of verifications takes a sample');
  }
  if ((input.to === undefined) === (kind === 'copy')) {
    throw new InputError('a schedule of copies, and no other, takes the storage to copy to');
  }
  const fixed = settings.input(input);
  PARSERS[settings.workflowType](fixed);
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
      staticSummary: settings.note,
    },
    policies: policiesOf(everyMs),
    state: { note: `${settings.note}, to ${storageName(input.storage)}` },
  };
}

/** The state of all our schedules, for every storage, sorted by id. */
export async function listSchedules(client: Client): Promise<ListedSchedule[]> {
  const found: ListedSchedule[] = [];
  for await (const { scheduleId } of client.schedule.list()) {
    if (!scheduleId.startsWith(PREFIX)) continue;
    const state = await scheduleState(client, scheduleId, Date.now());
    if (state) found.push(state);
  }
  return found.sort((a, b) => (a.id < b.id ? -1 : 1));
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
  return `${PREFIX}${storageId(storage)}/schedule/${kind}`;
}

/** Parses an interval such as 10m, 1h or 1d into milliseconds. @throws InputError */
function interval(text: string): number {
  const match = /^([1-9][0-9]{0,5})(s|m|h|d)$/.exec(text);
  if (!match) throw new InputError(`--every takes a time like 10m, 1h or 1d, not "${text}"`);
  const seconds = { s: 1, m: 60, h: 3_600, d: 86_400 }[match[2] as 's' | 'm' | 'h' | 'd'];
  return Number(match[1]) * seconds * 1_000;
}
