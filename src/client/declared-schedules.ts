import { createHash } from 'node:crypto';
import type { Client } from '@temporalio/client';
import type { StorageConfig } from '../contract/job.js';
import { SCHEDULE_KINDS, type ScheduleInput } from './schedule-kinds.js';
import { deleteSchedule, planOf, putSchedule, scheduleIdOf, scheduleOf } from './schedules.js';
import {
  DECLARED_MEMO,
  type StoredSchedule,
  planChanges,
  storedSchedule,
} from './stored-schedule.js';

/** A schedule as a configuration file declares it. */
export interface Declared {
  kind: string;
  every?: string;
  input: ScheduleInput;
}

/**
 * What became of a schedule. `changed`: with the old and new values. `by hand`: somebody made one of this kind, and it
 * stays as it is.
 */
export interface ScheduleDone {
  id: string;
  what: 'made' | `changed: ${string}` | 'removed' | 'by hand';
}

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
    const before = await storedSchedule(client, id);
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
  before: StoredSchedule | undefined,
): Promise<ScheduleDone['what'] | undefined> {
  if (before && before.digest === undefined) return 'by hand';
  const { spec, action } = scheduleOf(kind, input, every);
  const digest = createHash('sha256')
    .update(JSON.stringify([spec, action.args]))
    .digest('hex');
  if (before?.digest === digest) return undefined;
  const wanted = scheduleOf(kind, input, every, { [DECLARED_MEMO]: digest });
  await putSchedule(client, wanted);
  return before ? `changed: ${planChanges(before, planOf(wanted)).join(', ')}` : 'made';
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
