import { createHash } from 'node:crypto';
import { type Client, ScheduleNotFoundError } from '@temporalio/client';
import type { StorageConfig } from '../contract/job.js';
import { SCHEDULE_KINDS, type ScheduleInput } from './schedule-kinds.js';
import { deleteSchedule, putSchedule, scheduleIdOf, scheduleIds, scheduleOf } from './schedules.js';
import { workflowPrefix } from './workflow-prefix.js';

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
/** The mark of the file that declared it last. */
const MEMO_BY = 'declared_by';

interface Memo {
  /** Without one, people made the schedule. */
  digest: string | undefined;
  by: string | undefined;
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
      const before = await memoOf(client, id);
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
    const memo = await memoOf(client, id);
    if (memo?.digest === undefined || memo.by !== by) continue;
    await deleteSchedule(client, id);
    yield { id, kind: id.slice(id.lastIndexOf('/') + 1), what: 'removed' };
  }
}

async function declare(
  client: Client,
  { kind, input, every }: Declared,
  before: Memo | undefined,
  by: string | undefined,
): Promise<ScheduleDone['what']> {
  const { spec, action } = scheduleOf(kind, input, every);
  if (before && before.digest === undefined) return 'by hand';
  const digest = createHash('sha256')
    .update(JSON.stringify([spec, action.args]))
    .digest('hex');
  const isRight = before?.digest === digest;
  if (isRight && (by === undefined || before.by === by)) return 'right';
  const memo = { [MEMO]: digest, ...(by === undefined ? {} : { [MEMO_BY]: by }) };
  await putSchedule(client, scheduleOf(kind, input, every, memo));
  if (isRight) return 'right';
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
    const { [MEMO]: digest, [MEMO_BY]: by } =
      (action.type === 'startWorkflow' ? action.memo : undefined) ?? {};
    const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
    return { digest: text(digest), by: text(by) };
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  }
}
