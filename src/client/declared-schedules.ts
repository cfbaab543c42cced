import { createHash } from 'node:crypto';
import type { Client } from '@temporalio/client';
import type { StorageConfig } from '../contract/job.js';
import { SCHEDULE_KINDS, type ScheduleInput } from './schedule-kinds.js';
import {
  deleteSchedule,
  planOf,
  putSchedule,
  scheduleIdOf,
  scheduleIds,
  scheduleOf,
} from './schedules.js';
import {
  DECLARED_BY_MEMO,
  DECLARED_MEMO,
  type StoredSchedule,
  planChanges,
  storedSchedule,
} from './stored-schedule.js';
import { workflowPrefix } from './workflow-prefix.js';

/** A schedule as a configuration file declares it. */
export interface Declared {
  kind: string;
  every?: string;
  input: ScheduleInput;
}

/**
 * What became of a schedule. `changed`: with the old and new values. `by hand`: somebody made one of this kind, and it
 * stays as it is. `right`: there was nothing to do.
 */
export interface ScheduleDone {
  id: string;
  kind: string;
  what: 'made' | `changed: ${string}` | 'removed' | 'by hand' | 'right' | 'failed';
  /** Of one that failed. */
  error?: unknown;
}

interface Declaration {
  declared: readonly Declared[];
  /** Of these kinds. */
  kinds?: readonly string[];
  /** The mark of the file. Without one, nobody knows later which file it was. */
  by?: string | undefined;
}

/**
 * Makes the schedules of a storage as a file declares them, and removes those that a file declared before. Schedules
 * that people made stay. Says what became of each kind: one that fails holds up no other.
 */
export async function declareSchedules(
  client: Client,
  storage: StorageConfig,
  { declared, kinds = SCHEDULE_KINDS, by }: Declaration,
): Promise<ScheduleDone[]> {
  const one = async (kind: string): Promise<ScheduleDone> => {
    const id = scheduleIdOf(storage, kind);
    const wanted = declared.find((other) => other.kind === kind);
    try {
      const before = await storedSchedule(client, id);
      const what = wanted
        ? await declare(client, wanted, before, by)
        : await withdraw(client, id, before);
      return { id, kind, what };
    } catch (error) {
      return { id, kind, what: 'failed', error };
    }
  };
  return Promise.all(kinds.map(one));
}

/**
 * Removes what the file with this mark declared for other storages than this one: it names them no longer. Yields
 * what it has removed.
 */
export async function* removeFormer(
  client: Client,
  storage: StorageConfig,
  by: string,
): AsyncGenerator<ScheduleDone> {
  for await (const id of scheduleIds(client)) {
    if (id.startsWith(workflowPrefix(storage))) continue;
    const found = await storedSchedule(client, id);
    if (found?.digest === undefined || found.by !== by) continue;
    await deleteSchedule(client, id);
    yield { id, kind: id.slice(id.lastIndexOf('/') + 1), what: 'removed' };
  }
}

async function declare(
  client: Client,
  { kind, input, every }: Declared,
  before: StoredSchedule | undefined,
  by: string | undefined,
): Promise<ScheduleDone['what']> {
  const { spec, action } = scheduleOf(kind, input, every);
  if (before && before.digest === undefined) return 'by hand';
  const digest = createHash('sha256')
    .update(JSON.stringify([spec, action.args]))
    .digest('hex');
  const isRight = before?.digest === digest;
  if (isRight && (by === undefined || before.by === by)) return 'right';
  const memo = { [DECLARED_MEMO]: digest, ...(by === undefined ? {} : { [DECLARED_BY_MEMO]: by }) };
  const wanted = scheduleOf(kind, input, every, memo);
  await putSchedule(client, wanted);
  if (isRight) return 'right';
  return before ? `changed: ${planChanges(before, planOf(wanted)).join(', ')}` : 'made';
}

async function withdraw(
  client: Client,
  id: string,
  before: StoredSchedule | undefined,
): Promise<ScheduleDone['what']> {
  if (before?.digest === undefined) return 'right';
  await deleteSchedule(client, id);
  return 'removed';
}
