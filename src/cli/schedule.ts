import type { Client } from '@temporalio/client';
import { createSchedule, deleteSchedule, listSchedules } from '../client/schedules.js';
import { dataFolder } from '../data-folder.js';
import { openTemporal } from '../temporal/connection.js';
import { type CommonFlags, type CoordinatorFlags, coordinatorInput } from './options.js';

/** `schedule create`. */
export async function scheduleCreate(
  kind: string,
  flags: CoordinatorFlags & { every?: string; sample?: string },
): Promise<void> {
  const sample = flags.sample === undefined ? {} : { sample: flags.sample };
  const input = { ...coordinatorInput(flags), ...sample };
  await withClient(flags, async (client) => {
    const id = await createSchedule(client, kind, input, flags.every);
    console.log(flags.json ? JSON.stringify({ id }) : `Schedule ${id}`);
  });
}

/** `schedule list`. */
export async function scheduleList(flags: CommonFlags): Promise<void> {
  await withClient(flags, async (client) => {
    const schedules = await listSchedules(client);
    if (flags.json) {
      console.log(JSON.stringify(schedules));
      return;
    }
    for (const { id, paused, note, next, last } of schedules) {
      const times = `${paused ? 'paused' : `next ${next ?? '-'}`}, last ${last ?? 'never'}`;
      console.log(`${id}  ${times}  ${note ?? ''}`);
    }
    if (schedules.length === 0) console.log('No schedules.');
  });
}

/** `schedule delete`. */
export async function scheduleDelete(id: string, flags: CommonFlags): Promise<void> {
  await withClient(flags, async (client) => {
    await deleteSchedule(client, id);
    console.log(flags.json ? JSON.stringify({ deleted: id }) : `Deleted ${id}`);
  });
}

async function withClient(flags: CommonFlags, work: (client: Client) => Promise<void>) {
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const session = await openTemporal({ dataFolder: dataFolder(flags.dataDir), say });
  try {
    if (session.embedded) {
      say('The embedded Temporal server runs schedules only while a command keeps it up.');
    }
    await work(session.client);
  } finally {
    await session.close();
  }
}
