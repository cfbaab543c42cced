import { type Client, WorkflowNotFoundError } from '@temporalio/client';

/** State of a pending activity, in the numbering of the Temporal API. */
const STARTED = 2;

export interface Pending {
  activity: string;
  attempt: number;
  started: boolean;
  /** An attempt has sent a heartbeat. */
  beating: boolean;
  /** `process id@host-mark`. */
  worker: string;
  /** Of the attempt before. */
  failure: { type: string; message: string } | undefined;
}

/** The pending activities of a workflow, as the Temporal UI shows them; none while it does not exist. */
export async function pendingActivities(client: Client, workflowId: string): Promise<Pending[]> {
  try {
    const { raw } = await client.workflow.getHandle(workflowId).describe();
    return (raw.pendingActivities ?? []).map((pending) => ({
      activity: pending.activityType?.name ?? '',
      attempt: pending.attempt ?? 0,
      started: Number(pending.state) === STARTED,
      beating: Boolean(pending.lastHeartbeatTime),
      worker: pending.lastWorkerIdentity ?? '',
      failure: pending.lastFailure
        ? {
            type: pending.lastFailure.applicationFailureInfo?.type ?? '',
            message: pending.lastFailure.message ?? '',
          }
        : undefined,
    }));
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return [];
    throw error;
  }
}
