import {
  type Client,
  type ScheduleDescription,
  ScheduleNotFoundError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import type { ListedSchedule } from '../contract/answers/shown-answers.js';
import { everyMsOf } from './stored-schedule.js';
import { causeOf } from './why-failed.js';

/** A run that is later than this is overdue. */
const OVERDUE_MS = 60_000;

/** Reads a schedule and the result of its last run; undefined when there is no schedule with this id. */
export async function scheduleState(
  client: Client,
  id: string,
  now: number,
): Promise<ListedSchedule | undefined> {
  try {
    return await stateOf(client, await client.schedule.getHandle(id).describe(), now);
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  }
}

async function stateOf(
  client: Client,
  { scheduleId: id, state, info, spec, action }: ScheduleDescription,
  now: number,
): Promise<ListedSchedule> {
  const { paused, note } = state;
  const next = info.nextActionTimes[0];
  const last = info.recentActions.at(-1);
  const run = last?.action.type === 'startWorkflow' ? last.action.workflow.workflowId : undefined;
  const isOverdue = next !== undefined && !paused && now - next.getTime() > OVERDUE_MS;
  return {
    id,
    paused,
    note,
    every_ms: everyMsOf(spec),
    sample: sampleOf(action),
    created_at: info.createdAt.toISOString(),
    next: next?.toISOString(),
    overdue: isOverdue ? true : undefined,
    last: last?.takenAt.toISOString(),
    ...(run === undefined ? {} : await outcomeOf(client, run)),
    missed: info.numActionsMissedCatchupWindow,
  };
}

function sampleOf(action: ScheduleDescription['action']): string | undefined {
  const input: unknown = action.type === 'startWorkflow' ? action.args?.[0] : undefined;
  const { sample } = (input ?? {}) as { sample?: unknown };
  return typeof sample === 'string' ? sample : undefined;
}

async function outcomeOf(
  client: Client,
  workflowId: string,
): Promise<Pick<ListedSchedule, 'outcome' | 'why'>> {
  const handle = client.workflow.getHandle(workflowId);
  try {
    const { status } = await handle.describe();
    if (status.name === 'RUNNING') return { outcome: 'runs' };
    if (status.name === 'COMPLETED') return { outcome: 'done' };
    if (status.name !== 'FAILED') {
      return { outcome: status.name === 'TIMED_OUT' ? 'failed' : 'stopped' };
    }
    return { outcome: 'failed', why: (await causeOf(handle.result()))?.message };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { outcome: 'unknown' };
    throw error;
  }
}
