import path from 'node:path';
import { type Client, ScheduleNotFoundError } from '@temporalio/client';
import { UsageError } from '../client/command-failure.js';
import type { OwnInput, ScheduleInput } from '../client/schedule-kinds.js';
import {
  createSchedule,
  deleteSchedule,
  listSchedules,
  planOf,
  scheduleOf,
} from '../client/schedules.js';
import {
  type Plan,
  type StoredSchedule,
  everyWords,
  planChanges,
  storedSchedule,
} from '../client/stored-schedule.js';
import type { CoordinatorInput } from '../contract/coordinator-input.js';
import { describeSchedule } from '../monitor/format.js';
import { type CompactionFlags, compactionInput } from './compact-command.js';
import { inFlags } from './flag-names.js';
import { withSession } from './open-session.js';
import { type CommonFlags, type CoordinatorFlags, coordinatorInput } from './options.js';
import { placeOf } from './storage-options.js';
import { type PruneFlags, rulesOf } from './retention-options.js';
import { unknownWord } from './typed.js';
import { print } from './print.js';
import { say } from './say.js';

export interface ScheduleFlags extends PruneFlags {
  every?: string;
  sample?: string;
  stockBinary?: string;
  scratch?: string;
  to?: string;
}

export async function scheduleCreate(
  kind: string,
  flags: CoordinatorFlags & CompactionFlags & ScheduleFlags,
  signal: AbortSignal,
): Promise<void> {
  const { sample, stockBinary, scratch, to } = flags;
  const { storage: _, ...compaction } = compactionInput(flags);
  const input = scheduleInput(coordinatorInput(flags), {
    ...(sample === undefined ? {} : { sample }),
    ...(stockBinary === undefined ? {} : { stock_binary: path.resolve(stockBinary) }),
    ...(scratch === undefined ? {} : { scratch: path.resolve(scratch) }),
    ...(to === undefined ? {} : { to: placeOf(to) }),
    compaction,
    prune: rulesOf(flags),
  });
  const schedule = scheduleOf(kind, input, flags.every); // report a mistake before anything starts
  await withClient(flags, signal, async (client) => {
    const before = await storedSchedule(client, schedule.scheduleId);
    const id = await createSchedule(client, kind, input, flags.every);
    const made = madeOf(id, planOf(schedule), before);
    print(flags.json ? JSON.stringify(made) : describeMade(made).join('\n'));
  });
}

/** What `schedule create` did. */
interface MadeSchedule {
  id: string;
  every: string;
  /** There was one: what differs now, like `every 2h -> 1d`. */
  changes?: string[];
  /** The one before was made by the file of an `up`. */
  was_declared?: true;
}

function madeOf(id: string, plan: Plan, before: StoredSchedule | undefined): MadeSchedule {
  return {
    ...{ id, every: everyWords(plan) },
    ...(before ? { changes: planChanges(before, plan) } : {}),
    ...(before?.digest === undefined ? {} : { was_declared: true }),
  };
}

function describeMade({ id, every, changes, was_declared: declared }: MadeSchedule): string[] {
  const what = changes?.length ? inFlags(`changed: ${changes.join(', ')}`) : 'is as it was before';
  return [
    changes ? `Schedule ${id} ${what}` : `Schedule ${id}, every ${every}`,
    ...(declared
      ? [
          `The file of an up had made it. From now on it is one made by hand, which that up leaves as it is; to give it back: aptos-backup schedule delete ${id}, then start that up again`,
        ]
      : []),
  ];
}

/** The input of a schedule, from that of a coordinator. A schedule keeps no second storage in step. */
export function scheduleInput(coordinator: CoordinatorInput, own: OwnInput): ScheduleInput {
  const {
    copy_to: _,
    copy_bytes_per_second: __,
    copy_requests_per_second: ___,
    ...rest
  } = coordinator;
  return { ...rest, ...own };
}

export async function scheduleList(flags: CommonFlags, signal: AbortSignal): Promise<void> {
  await withClient(flags, signal, async (client) => {
    const schedules = await listSchedules(client);
    if (flags.json) {
      print(JSON.stringify(schedules));
      return;
    }
    for (const { every_ms: everyMs, ...schedule } of schedules) {
      const often = everyMs === undefined ? '' : `every ${everyWords({ everyMs })}, `;
      print(`${schedule.id}  ${often}${describeSchedule(schedule)}  ${schedule.note ?? ''}`);
    }
    if (schedules.length === 0) print('No schedules.');
  });
}

export async function scheduleDelete(
  id: string,
  flags: CommonFlags,
  signal: AbortSignal,
): Promise<void> {
  await withClient(flags, signal, async (client) => {
    await deleteSchedule(client, id).catch(async (error: unknown) => {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
      const ids = (await listSchedules(client)).map((schedule) => schedule.id);
      if (ids.length === 0) throw new UsageError(`there is no schedule "${id}", and no other`);
      throw unknownWord('schedule', id, ids);
    });
    print(flags.json ? JSON.stringify({ deleted: id }) : `Deleted ${id}`);
  });
}

async function withClient(
  flags: CommonFlags,
  signal: AbortSignal,
  work: (client: Client) => Promise<void>,
) {
  await withSession(flags, signal, async (session) => {
    if (session.embedded) {
      say('The embedded Temporal server runs schedules only while a command keeps it up.');
    }
    await work(session.client);
  });
}
