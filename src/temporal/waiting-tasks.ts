import type { NativeConnection } from '@temporalio/worker';

/** Tasks of activities, by their number in the Temporal API. */
const ACTIVITY_TASKS = 2;
/** Longest wait for the server. */
const ASK_MS = 5_000;

/** Whether activities wait in this task queue for a worker. True also if the server does not tell. */
export async function mayWait(
  connection: Pick<NativeConnection, 'workflowService' | 'withDeadline'>,
  namespace: string,
  taskQueue: string,
): Promise<boolean> {
  try {
    const { stats } = await connection.withDeadline(Date.now() + ASK_MS, () =>
      connection.workflowService.describeTaskQueue({
        namespace,
        taskQueue: { name: taskQueue },
        taskQueueType: ACTIVITY_TASKS,
        reportStats: true,
      }),
    );
    return !stats || Number(stats.approximateBacklogCount ?? 0) > 0;
  } catch {
    return true;
  }
}
