import {
  type Client,
  QueryNotRegisteredError,
  type WorkflowExecutionDescription,
  defaultPayloadConverter,
} from '@temporalio/client';
import { QUERY_STATUS } from '../contract/messages.js';
import { type RangeProgress } from '../contract/unit.js';
import {
  type BackupStatus,
  type SegmentStatus,
  type Totals,
  backupStatus,
  segmentStatus,
} from '../contract/answers/backup-answers.js';
import { readAnswer } from '../contract/answers/read-answer.js';

/** The progress of a backup at this moment. */
export interface BackupProgress extends Omit<BackupStatus, 'done' | 'segment'> {
  /** Finished ranges. Records and bytes also count those of ranges that are still being stored. */
  ranges_done: number;
  records_done: string;
  bytes_done: number;
  /** Activities that have failed and will be retried. */
  retrying: { attempt: number; reason: string }[];
}

/** What a backup and its running segment say, and the activities of both. */
export async function readBackup(client: Client, workflowId: string) {
  const answer = await client.workflow.getHandle(workflowId).query(QUERY_STATUS);
  const status = readAnswer(backupStatus, answer, workflowId);
  const { segment } = status;
  const running = segment === undefined ? undefined : await askSegment(client, segment);
  const doing = [
    ...(await rangesInHand(client, workflowId)),
    ...(segment === undefined ? [] : await rangesInHand(client, segment)),
  ];
  return { status, running, doing, failed: [...status.failed, ...(running?.failed ?? [])] };
}

/** Reads the progress from the workflow, its running segment, and the heartbeats of their activities. */
export async function readProgress(client: Client, workflowId: string): Promise<BackupProgress> {
  const { status, running, doing, failed } = await readBackup(client, workflowId);
  const { done, segment: _, ...rest } = status;
  const stored: Totals[] = running ? [done, running.done] : [done];
  const beats = doing.map(({ beat }) => beat);
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  return {
    ...rest,
    failed,
    ranges_done: sum(stored.map((totals) => totals.ranges)),
    records_done: `${
      stored.reduce((total, totals) => total + BigInt(totals.records), 0n) +
      BigInt(sum(beats.map((beat) => beat.records ?? 0)))
    }`,
    bytes_done: sum(stored.map((totals) => totals.bytes)) + sum(beats.map((b) => b.bytes ?? 0)),
    retrying: doing.flatMap(({ attempt, reason }) =>
      reason === undefined ? [] : [{ attempt, reason }],
    ),
  };
}

async function askSegment(client: Client, id: string): Promise<SegmentStatus | undefined> {
  try {
    const answer = await client.workflow.getHandle(id).query(QUERY_STATUS);
    return readAnswer(segmentStatus, answer, id);
  } catch (error) {
    // The segment has just started and answers no queries yet.
    if (error instanceof QueryNotRegisteredError) return undefined;
    throw error;
  }
}

async function rangesInHand(client: Client, id: string) {
  const { raw } = await client.workflow.getHandle(id).describe();
  return pendingActivities<RangeProgress>(raw);
}

/**
 * The running activities of a workflow: the attempt, why the last attempt failed, the type of that failure, and the last
 * heartbeat.
 */
export function pendingActivities<T>({
  pendingActivities: pending,
}: WorkflowExecutionDescription['raw']): {
  what: string;
  attempt: number;
  reason: string | undefined;
  type: string | undefined;
  beat: Partial<T>;
}[] {
  return (pending ?? []).map(({ activityType, attempt, lastFailure, heartbeatDetails }) => {
    const payload = heartbeatDetails?.payloads?.[0];
    const beat = payload && defaultPayloadConverter.fromPayload<Partial<T> | undefined>(payload);
    return {
      what: activityType?.name ?? 'activity',
      attempt: attempt ?? 1,
      reason: lastFailure?.message ?? undefined,
      type: lastFailure?.applicationFailureInfo?.type ?? undefined,
      beat: beat ?? {},
    };
  });
}
