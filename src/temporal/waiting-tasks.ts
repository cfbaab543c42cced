import type { NativeConnection } from '@temporalio/worker';

/** Tasks of activities, by their number in the Temporal API. */
const ACTIVITY_TASKS = 2;

/** Whether activities wait in this task queue for a worker. True also if the server does not tell. */
export async function mayWait(
  { workflowService }: Pick<NativeConnection, 'workflowService'>,
  namespace: string,
  taskQueue: string,
): Promise<boolean> {
  try {
    const { stats } = await workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: taskQueue },
      taskQueueType: ACTIVITY_TASKS,
      reportStats: true,
    });
    return !stats || Number(stats.approximateBacklogCount ?? 0) > 0;
  } catch {
    return true;
  }
}
