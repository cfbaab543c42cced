import { type Client, type ScheduleDescription, ScheduleNotFoundError } from '@temporalio/client';
import { inWords } from '../contract/schema.js';
import { inLargestUnit } from '../lib/time-units.js';

/**
 * The memo of what a schedule starts, by which we know that a file declared it: a digest of what was declared. A memo of
 * the schedule itself could not change later, and a note is replaced when somebody pauses the schedule.
 */
export const DECLARED_MEMO = 'declared';
/** Likewise: the mark of the file that declared it last. */
export const DECLARED_BY_MEMO = 'declared_by';

/** How often a schedule runs, and what each run gets. */
export interface Plan {
  /** Undefined: it has a calendar, which we never make. */
  everyMs: number | undefined;
  input: unknown;
}

export interface StoredSchedule extends Plan {
  /** The digest of what a file declared. Undefined: people made the schedule. */
  digest: string | undefined;
  /** The mark of the file. */
  by: string | undefined;
}

/** A schedule as the server has it; undefined when there is none with this id. */
export async function storedSchedule(
  client: Client,
  id: string,
): Promise<StoredSchedule | undefined> {
  try {
    const { action, spec } = await client.schedule.getHandle(id).describe();
    const everyMs = everyMsOf(spec);
    const started = action.type === 'startWorkflow' ? action : undefined;
    const { [DECLARED_MEMO]: digest, [DECLARED_BY_MEMO]: by } = started?.memo ?? {};
    const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
    return { everyMs, input: started?.args?.[0], digest: text(digest), by: text(by) };
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  }
}

/** How often a schedule runs, in milliseconds. Undefined: it has a calendar, which we never make. */
export function everyMsOf({ intervals }: ScheduleDescription['spec']): number | undefined {
  const every = intervals?.[0]?.every;
  return typeof every === 'number' ? every : undefined;
}

/** What differs between two plans of one schedule, each in words: `every 2h -> 1d`. */
export function planChanges(before: Plan, now: Plan): string[] {
  const [old, fresh] = [wordsOf(before), wordsOf(now)];
  const names = new Set([...old.keys(), ...fresh.keys()]);
  return [...names].flatMap((name) => {
    const [from, to] = [old.get(name) ?? 'none', fresh.get(name) ?? 'none'];
    return from === to ? [] : [`${name} ${from} -> ${to}`];
  });
}

/** How often, in words: 1d. */
export function everyWords({ everyMs }: Pick<Plan, 'everyMs'>): string {
  return everyMs === undefined ? 'by a calendar' : inLargestUnit(everyMs / 1_000);
}

function wordsOf(plan: Plan): Map<string, string> {
  // As it travels: without what is undefined.
  const sent = JSON.parse(JSON.stringify(plan.input ?? {})) as object;
  const fields = Object.entries(sent).map(([name, value]) => [name, inWords(value)] as const);
  return new Map([['every', everyWords(plan)], ...fields]);
}
