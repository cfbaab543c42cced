import {
  type Client,
  QueryNotRegisteredError,
  type WorkflowExecutionDescription,
  defaultPayloadConverter,
} from '@temporalio/client';
import {
  type BackupStatus,
  QUERY_STATUS,
  type SegmentStatus,
  type Totals,
} from '../plan/messages.js';
import { type RangeProgress } from '../plan/unit.js';

/** What a backup is doing at this moment. */
export interface BackupProgress extends Omit<BackupStatus, 'done' | 'segment'> {
  /** Ranges that are done, and everything stored or in hand. */
  rangesDone: number;
  recordsDone: string;
  bytesDone: number;
  /** Activities that failed and will be tried again. */
  retrying: { attempt: number; reason: string }[];
}

/** Asks the workflow, its running segment, and the heartbeats of their activities. */
export async function readProgress(client: Client, workflowId: string): Promise<BackupProgress> {
  const status = await client.workflow.getHandle(workflowId).query<BackupStatus>(QUERY_STATUS);
  const { done, segment, ...rest } = status;
  const running = segment === undefined ? undefined : await segmentStatus(client, segment);
  const doing = [
    ...(await rangesInHand(client, workflowId)),
    ...(segment === undefined ? [] : await rangesInHand(client, segment)),
  ];
  const stored: Totals[] = running ? [done, running.done] : [done];
  const beats = doing.map(({ beat }) => beat);
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  return {
    ...rest,
    failed: [...status.failed, ...(running?.failed ?? [])],
    rangesDone: sum(stored.map((totals) => totals.ranges)),
    recordsDone: `${
      stored.reduce((total, totals) => total + BigInt(totals.records), 0n) +
      BigInt(sum(beats.map((beat) => beat.records ?? 0)))
    }`,
    bytesDone: sum(stored.map((totals) => totals.bytes)) + sum(beats.map((b) => b.bytes ?? 0)),
    retrying: doing.flatMap(({ attempt, reason }) =>
      reason === undefined ? [] : [{ attempt, reason }],
    ),
  };
}

async function segmentStatus(client: Client, id: string): Promise<SegmentStatus | undefined> {
  try {
    return await client.workflow.getHandle(id).query<SegmentStatus>(QUERY_STATUS);
  } catch (error) {
    // Its first task has not run yet.
    if (error instanceof QueryNotRegisteredError) return undefined;
    throw error;
  }
}

async function rangesInHand(client: Client, id: string) {
  const { raw } = await client.workflow.getHandle(id).describe();
  return pendingActivities<RangeProgress>(raw);
}

/** What a workflow has in hand: attempts, why the last one failed, and the last heartbeat. */
export function pendingActivities<T>({
  pendingActivities: pending,
}: WorkflowExecutionDescription['raw']): {
  what: string;
  attempt: number;
  reason: string | undefined;
  beat: Partial<T>;
}[] {
  return (pending ?? []).map(({ activityType, attempt, lastFailure, heartbeatDetails }) => {
    const payload = heartbeatDetails?.payloads?.[0];
    const beat = payload && defaultPayloadConverter.fromPayload<Partial<T> | undefined>(payload);
    return {
      what: activityType?.name ?? 'activity',
      attempt: attempt ?? 1,
      reason: lastFailure?.message ?? undefined,
      beat: beat ?? {},
    };
  });
}
