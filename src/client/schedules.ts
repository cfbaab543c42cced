import { type Client, ScheduleAlreadyRunning, ScheduleOverlapPolicy } from '@temporalio/client';
import { storageId } from '../backup/storage-id.js';
import type { CoordinatorInput } from '../plan/coordinator-input.js';
import { parseDueInput } from '../plan/coordinator-input.js';
import { InputError } from '../plan/input.js';
import type { BackupType, StorageConfig } from '../plan/job.js';
import { CONTROL_QUEUE } from '../plan/messages.js';

const PREFIX = 'aptos-backup/';

/** The usual schedules: what each run backs up, and how often it makes sense by default. */
const KINDS: Record<string, { types: BackupType[]; every: string; note: string }> = {
  'epoch-ending': { types: ['epoch_ending'], every: '1h', note: 'epochs that have ended' },
  'state-snapshot': {
    types: ['epoch_ending', 'state_snapshot'],
    every: '1d',
    note: 'the newest ended epoch',
  },
  transaction: {
    types: ['epoch_ending', 'transaction'],
    every: '10m',
    note: 'the batch that is due',
  },
  due: {
    types: ['epoch_ending', 'state_snapshot', 'transaction'],
    every: '10m',
    note: 'everything that is due',
  },
};
export const SCHEDULE_KINDS = Object.keys(KINDS);

/**
 * A run that is late is skipped while the one before it works, and nothing is caught up after an
 * outage: each run does everything that is due, so a missed one loses nothing.
 */
const POLICIES = { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '10 minutes' } as const;

/** Creates a schedule, or replaces the one of the same kind and storage. Returns its id. */
export async function createSchedule(
  client: Client,
  kind: string,
  input: CoordinatorInput,
  every?: string,
): Promise<string> {
  const settings = KINDS[kind];
  if (!settings) throw new InputError(`a schedule is one of ${SCHEDULE_KINDS.join(', ')}`);
  const due = { ...input, types: settings.types };
  parseDueInput(due);
  const scheduleId = scheduleIdOf(input.storage, kind);
  const schedule = {
    spec: { intervals: [{ every: interval(every ?? settings.every) }] },
    action: {
      type: 'startWorkflow' as const,
      workflowType: 'backupDue',
      workflowId: scheduleId,
      taskQueue: CONTROL_QUEUE,
      args: [due],
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
