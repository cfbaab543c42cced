import {
  type Client,
  WorkflowFailedError,
  WorkflowNotFoundError,
  defaultPayloadConverter,
} from '@temporalio/client';
import { parseInput } from '../contract/backup-input.js';
import type { CoordinatorMemory } from '../contract/coordinator-memory.js';
import { type BackupType, describeTarget, workflowIdOf } from '../contract/job.js';
import { COORDINATOR_MEMO } from '../contract/messages.js';
import { resultOf } from './calls.js';
import { storageId } from '../storage/open.js';
import { backupWorkflowId } from './start-backup.js';

/** A cancelled backup ends within moments while a worker runs, and with the next one if none does. */
const ENDS_MS = 30_000;

/** The backups that a coordinator had in hand: workflow ids, and what each backs up, in words. */
export interface UnitsInHand {
  /** They were asked to end. */
  cancelled: Map<string, string>;
  /** Somebody else began them, and the coordinator only waited for them. They go on. */
  left: Map<string, string>;
}

/**
 * Cancels the backups that a cancelled coordinator has in hand: they are workflows of their own, and would go on
 * without it. Leaves those that somebody else began.
 */
export async function cancelUnits(client: Client, coordinator: string): Promise<UnitsInHand> {
  const found: UnitsInHand = { cancelled: new Map(), left: new Map() };
  for (const [workflowId, unit] of await unitsInHand(client, coordinator)) {
    const handle = client.workflow.getHandle(workflowId);
    try {
      const { status, memo } = await handle.describe();
      if (status.name !== 'RUNNING') continue;
      const isOwn = memo?.[COORDINATOR_MEMO] === coordinator;
      if (isOwn) await handle.cancel();
      found[isOwn ? 'cancelled' : 'left'].set(workflowId, unit);
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error; // else it has just ended
    }
  }
  return found;
}

/** Waits until a cancelled backup has ended, but not for ever. Returns whether it has. */
export async function hasEnded(
  client: Client,
  workflowId: string,
  signal: AbortSignal,
): Promise<boolean> {
  const late = AbortSignal.timeout(ENDS_MS);
  const handle = client.workflow.getHandle(workflowId);
  try {
    await resultOf(client, handle, AbortSignal.any([signal, late]));
  } catch (error) {
    signal.throwIfAborted();
    if (late.aborted) return false;
    if (!(error instanceof WorkflowFailedError)) throw error;
  }
  return true;
}

/**
 * The units for which a coordinator waits, or waited when it ended; and those that it took over from its last run and
 * has not joined again yet, as of a paused stream. Its history tells them, also without a worker.
 */
async function unitsInHand(client: Client, coordinator: string): Promise<Map<string, string>> {
  const { events } = await client.workflow.getHandle(coordinator).fetchHistory();
  const waits = new Map<string, [workflowId: string, unit: string]>();
  for (const event of events ?? []) {
    const begun = event.activityTaskScheduledEventAttributes;
    if (begun?.activityType?.name === 'backUpUnit') {
      const [type, input] = valuesOf(begun.input?.payloads);
      const { job } = parseInput(type as BackupType, input);
      waits.set(String(event.eventId), [backupWorkflowId(job), describeTarget(job.target)]);
    }
    const over =
      event.activityTaskCompletedEventAttributes ?? event.activityTaskFailedEventAttributes;
    if (over) waits.delete(String(over.scheduledEventId));
  }
  const began = events?.[0]?.workflowExecutionStartedEventAttributes;
  const [, memory] = valuesOf(began?.input?.payloads);
  return new Map([...handedOver(memory), ...waits.values()]);
}

/** Units that were asked for are among them. Those have not begun. */
function handedOver(memory: unknown): [workflowId: string, unit: string][] {
  const { settings, streams } = (memory ?? {}) as Partial<CoordinatorMemory>;
  if (!settings || !streams) return [];
  return Object.values(streams).flatMap(({ requested }) =>
    requested.map((target): [string, string] => {
      return [workflowIdOf(storageId(settings.storage), target), describeTarget(target)];
    }),
  );
}

function valuesOf(
  payloads: Parameters<typeof defaultPayloadConverter.fromPayload>[0][] | null | undefined,
): unknown[] {
  return (payloads ?? []).map((one) => defaultPayloadConverter.fromPayload<unknown>(one));
}
