import type { Client } from '@temporalio/client';
import { createSchedule, deleteSchedule, listSchedules, scheduleOf } from '../client/schedules.js';
import { describeSchedule } from '../monitor/format.js';
import { placeOf } from './copy-command.js';
import { openSession } from './open-session.js';
import { type CommonFlags, type CoordinatorFlags, coordinatorInput } from './options.js';

export async function scheduleCreate(
  kind: string,
  flags: CoordinatorFlags & { every?: string; sample?: string; to?: string },
  signal: AbortSignal,
): Promise<void> {
  const sample = flags.sample === undefined ? {} : { sample: flags.sample };
  const to = flags.to === undefined ? {} : { to: placeOf(flags.to) };
  const input = { ...coordinatorInput(flags), ...sample, ...to };
  scheduleOf(kind, input, flags.every); // report a mistake before anything starts
  await withClient(flags, signal, async (client) => {
    const id = await createSchedule(client, kind, input, flags.every);
    console.log(flags.json ? JSON.stringify({ id }) : `Schedule ${id}`);
  });
}

export async function scheduleList(flags: CommonFlags, signal: AbortSignal): Promise<void> {
  await withClient(flags, signal, async (client) => {
    const schedules = await listSchedules(client);
    if (flags.json) {
      console.log(JSON.stringify(schedules));
      return;
    }
    for (const schedule of schedules) {
      console.log(`${schedule.id}  ${describeSchedule(schedule)}  ${schedule.note ?? ''}`);
    }
    if (schedules.length === 0) console.log('No schedules.');
  });
}

export async function scheduleDelete(
  id: string,
  flags: CommonFlags,
  signal: AbortSignal,
): Promise<void> {
  await withClient(flags, signal, async (client) => {
    await deleteSchedule(client, id);
    console.log(flags.json ? JSON.stringify({ deleted: id }) : `Deleted ${id}`);
  });
}

async function withClient(
  flags: CommonFlags,
  signal: AbortSignal,
  work: (client: Client) => Promise<void>,
) {
  const session = await openSession(flags, signal);
  try {
    if (session.embedded) {
      console.error(
        'The embedded Temporal server runs schedules only while a command keeps it up.',
      );
    }
    await work(session.client);
  } finally {
    await session.close();
  }
}
