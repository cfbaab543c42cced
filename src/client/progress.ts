import { type Client, QueryNotRegisteredError, defaultPayloadConverter } from '@temporalio/client';
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
    ...(await pendingActivities(client, workflowId)),
    ...(segment === undefined ? [] : await pendingActivities(client, segment)),
  ];
  const stored: Totals[] = running ? [done, running.done] : [done];
  const beats = doing.map(({ progress }) => progress);
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

async function pendingActivities(client: Client, id: string) {
  const { raw } = await client.workflow.getHandle(id).describe();
  return (raw.pendingActivities ?? []).map((activity) => {
    const payload = activity.heartbeatDetails?.payloads?.[0];
    const progress = payload
      ? defaultPayloadConverter.fromPayload<Partial<RangeProgress>>(payload)
      : {};
    const reason = activity.lastFailure?.message ?? undefined;
    return { attempt: activity.attempt ?? 1, reason, progress };
  });
}
