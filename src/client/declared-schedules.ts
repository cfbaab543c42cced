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

/**
 * What became of a schedule. `by hand`: somebody made one of this kind, and it stays as it is. `right`: there was
 * nothing to do.
 */
export interface ScheduleDone {
  id: string;
  kind: string;
  what: 'made' | 'changed' | 'removed' | 'by hand' | 'right' | 'failed';
  /** Of one that failed. */
  error?: unknown;
}

/**
 * The memo of what a schedule starts, by which we know that a file declared it: a digest of what was declared. A memo of
 * the schedule itself could not change later, and a note is replaced when somebody pauses the schedule.
 */
const MEMO = 'declared';

interface Memo {
  /** Without one, people made the schedule. */
  digest: string | undefined;
}

interface Declaration {
  declared: readonly Declared[];
  /** Of these kinds. */
  kinds?: readonly string[];
}

/**
 * Makes the schedules of a storage as a file declares them, and removes those that a file declared before. Schedules
 * that people made stay. Says what became of each kind: one that fails holds up no other.
 */
export async function declareSchedules(
  client: Client,
  storage: StorageConfig,
  { declared, kinds = SCHEDULE_KINDS }: Declaration,
): Promise<ScheduleDone[]> {
  const one = async (kind: string): Promise<ScheduleDone> => {
    const id = scheduleIdOf(storage, kind);
    const wanted = declared.find((other) => other.kind === kind);
    try {
      const before = await memoOf(client, id);
      const what = wanted
        ? await declare(client, wanted, before)
        : await withdraw(client, id, before);
      return { id, kind, what };
    } catch (error) {
      return { id, kind, what: 'failed', error };
    }
  };
  return Promise.all(kinds.map(one));
}

async function declare(
  client: Client,
  { kind, input, every }: Declared,
  before: Memo | undefined,
): Promise<ScheduleDone['what']> {
  const { spec, action } = scheduleOf(kind, input, every);
  if (before && before.digest === undefined) return 'by hand';
  const digest = createHash('sha256')
    .update(JSON.stringify([spec, action.args]))
    .digest('hex');
  if (before?.digest === digest) return 'right';
  await putSchedule(client, scheduleOf(kind, input, every, { [MEMO]: digest }));
  return before ? 'changed' : 'made';
}

async function withdraw(
  client: Client,
  id: string,
  before: Memo | undefined,
): Promise<ScheduleDone['what']> {
  if (before?.digest === undefined) return 'right';
  await deleteSchedule(client, id);
  return 'removed';
}

/** Undefined: there is no schedule. */
async function memoOf(client: Client, id: string): Promise<Memo | undefined> {
  try {
    const { action } = await client.schedule.getHandle(id).describe();
    const digest = action.type === 'startWorkflow' ? action.memo?.[MEMO] : undefined;
    return { digest: typeof digest === 'string' ? digest : undefined };
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  }
}
