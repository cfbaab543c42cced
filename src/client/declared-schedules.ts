import { createHash } from 'node:crypto';
import { type Client, ScheduleNotFoundError } from '@temporalio/client';
import type { StorageConfig } from '../contract/job.js';
import { SCHEDULE_KINDS, type ScheduleInput } from './schedule-kinds.js';
import { deleteSchedule, putSchedule, scheduleIdOf, scheduleOf } from './schedules.js';

/** A schedule as a configuration file declares it. */
export interface Declared {
  kind: string;
  every?: string;
  input: ScheduleInput;
}

/** What became of a schedule. `by hand`: somebody made one of this kind, and it stays as it is. */
export interface ScheduleDone {
  id: string;
  what: 'made' | 'changed' | 'removed' | 'by hand';
}

/**
 * The memo of what a schedule starts, by which we know that a file declared it: a digest of what was declared. A memo of
 * the schedule itself could not change later, and a note is replaced when somebody pauses the schedule.
 */
const MEMO = 'declared';

/**
 * Makes the schedules of a storage as a file declares them, and removes those that a file declared before. Schedules
 * that people made stay. Says what it did; what was right already is not named.
 */
export async function declareSchedules(
  client: Client,
  storage: StorageConfig,
  declared: readonly Declared[],
): Promise<ScheduleDone[]> {
  const done: ScheduleDone[] = [];
  for (const kind of SCHEDULE_KINDS) {
    const id = scheduleIdOf(storage, kind);
    const before = await memoOf(client, id);
    const wanted = declared.find((one) => one.kind === kind);
    const what = wanted
      ? await declare(client, wanted, before)
      : await withdraw(client, id, before?.digest);
    if (what) done.push({ id, what });
  }
  return done;
}

async function declare(
  client: Client,
  { kind, input, every }: Declared,
  before: { digest: string | undefined } | undefined,
): Promise<ScheduleDone['what'] | undefined> {
  if (before && before.digest === undefined) return 'by hand';
  const { spec, action } = scheduleOf(kind, input, every);
  const digest = createHash('sha256')
    .update(JSON.stringify([spec, action.args]))
    .digest('hex');
  if (before?.digest === digest) return undefined;
  await putSchedule(client, scheduleOf(kind, input, every, { [MEMO]: digest }));
  return before ? 'changed' : 'made';
}

async function withdraw(
  client: Client,
  id: string,
  digest: string | undefined,
): Promise<ScheduleDone['what'] | undefined> {
  if (digest === undefined) return undefined;
  await deleteSchedule(client, id);
  return 'removed';
}

/** The digest of what was declared; without one, people made the schedule. Undefined: there is no schedule. */
async function memoOf(
  client: Client,
  id: string,
): Promise<{ digest: string | undefined } | undefined> {
  try {
    const { action } = await client.schedule.getHandle(id).describe();
    const digest = action.type === 'startWorkflow' ? action.memo?.[MEMO] : undefined;
    return { digest: typeof digest === 'string' ? digest : undefined };
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  }
}
