import { type Client, ScheduleAlreadyRunning, ScheduleOverlapPolicy } from '@temporalio/client';
import type { CoordinatorInput } from '../plan/coordinator-input.js';
import { parseDueInput } from '../plan/coordinator-input.js';
import { InputError } from '../plan/input.js';
import type { BackupType, StorageConfig } from '../plan/job.js';
import { CONTROL_QUEUE } from '../plan/messages.js';
import { parseVerifyInput } from '../plan/verify-input.js';
import { storageId } from '../storage/storage-id.js';

const PREFIX = 'aptos-backup/';

interface Kind {
  every: string;
  note: string;
  workflowType: 'backupDue' | 'verifyBackups';
  /** The fixed input of each run. */
  input: (input: ScheduleInput) => object;
}

/** What a schedule is created with; `sample` is what each verification reads. */
export type ScheduleInput = CoordinatorInput & { sample?: string };

/** The usual schedules: what each run does, and how often it makes sense by default. */
const KINDS: Record<string, Kind> = {
  'epoch-ending': due('1h', 'epochs that have ended', ['epoch_ending']),
  'state-snapshot': due('1d', 'the newest ended epoch', ['epoch_ending', 'state_snapshot']),
  transaction: due('10m', 'the batch that is due', ['epoch_ending', 'transaction']),
  due: due('10m', 'everything that is due', ['epoch_ending', 'state_snapshot', 'transaction']),
  verify: {
    every: '1d',
    note: 'a verification',
    workflowType: 'verifyBackups',
    input: ({ storage, network, trust_waypoints: waypoints, sample }) => ({
      storage,
      ...(network === undefined ? {} : { network }),
      ...(waypoints === undefined ? {} : { trust_waypoints: waypoints }),
      // What was proven before and is unchanged is skipped; a sample is read all the same.
      ...(sample === undefined ? {} : { sample, again: true }),
    }),
  },
};
export const SCHEDULE_KINDS = Object.keys(KINDS);

function due(every: string, note: string, types: BackupType[]): Kind {
  return {
    every,
    note,
    workflowType: 'backupDue',
    input: ({ sample: _, ...input }) => ({ ...input, types }),
  };
}

/**
 * A run that is late is skipped while the one before it works, and nothing is caught up after an
 * outage: each run does everything that is due, so a missed one loses nothing.
 */
const POLICIES = { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '10 minutes' } as const;

/** Creates a schedule, or replaces the one of the same kind and storage. Returns its id. */
export async function createSchedule(
  client: Client,
  kind: string,
  input: ScheduleInput,
  every?: string,
): Promise<string> {
  const settings = KINDS[kind];
  if (!settings) throw new InputError(`a schedule is one of ${SCHEDULE_KINDS.join(', ')}`);
  if (input.sample !== undefined && kind !== 'verify') {
    throw new InputError('only a schedule of verifications takes a sample');
  }
  const fixed = settings.input(input);
  if (settings.workflowType === 'backupDue') parseDueInput(fixed);
  else parseVerifyInput(fixed);
  const scheduleId = scheduleIdOf(input.storage, kind);
  const schedule = {
    spec: { intervals: [{ every: interval(every ?? settings.every) }] },
    action: {
      type: 'startWorkflow' as const,
      workflowType: settings.workflowType,
      workflowId: scheduleId,
      taskQueue: CONTROL_QUEUE,
      args: [fixed],
      staticSummary: settings.note,
    },
    policies: POLICIES,
    state: { note: `${settings.note}, to ${input.storage.local_fs_dir}` },
  };
  try {
    await client.schedule.create({ ...schedule, scheduleId });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await client.schedule.getHandle(scheduleId).update(({ state }) => ({
      ...schedule,
      state: { ...state, ...schedule.state },
    }));
  }
  return scheduleId;
}

export interface ListedSchedule {
  id: string;
  paused: boolean;
  note?: string;
  next?: string;
  last?: string;
}

/** Our schedules, of all storages. */
export async function listSchedules(client: Client): Promise<ListedSchedule[]> {
  const found: ListedSchedule[] = [];
  for await (const { scheduleId, state, info } of client.schedule.list()) {
    if (!scheduleId.startsWith(PREFIX)) continue;
    const next = info?.nextActionTimes?.[0]?.toISOString();
    const last = info?.recentActions?.at(-1)?.takenAt?.toISOString();
    found.push({
      id: scheduleId,
      paused: state?.paused ?? false,
      ...(state?.note === undefined ? {} : { note: state.note }),
      ...(next === undefined ? {} : { next }),
      ...(last === undefined ? {} : { last }),
    });
  }
  return found.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Deletes a schedule by its id; a run that is under way ends by itself. */
export async function deleteSchedule(client: Client, id: string): Promise<void> {
  await client.schedule.getHandle(id).delete();
}

export function scheduleIdOf(storage: StorageConfig, kind: string): string {
  return `${PREFIX}${storageId(storage)}/schedule/${kind}`;
}

/** "10m", "1h", "1d". @throws InputError */
function interval(text: string): number {
  const match = /^([1-9][0-9]{0,5})(s|m|h|d)$/.exec(text);
  if (!match) throw new InputError(`--every takes a time like 10m, 1h or 1d, not "${text}"`);
  const seconds = { s: 1, m: 60, h: 3_600, d: 86_400 }[match[2] as 's' | 'm' | 'h' | 'd'];
  return Number(match[1]) * seconds * 1_000;
}
