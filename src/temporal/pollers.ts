import type { Connection } from '@temporalio/client';

/** The two kinds of task queue, by their numbers in the Temporal API. */
const WORKFLOW_TASKS = 1;
const ACTIVITY_TASKS = 2;

/** Whether workers have lately polled this task queue for workflow tasks and for activity tasks. */
export async function workersPoll(
  connection: Connection,
  namespace: string,
  taskQueue: string,
): Promise<boolean> {
  for (const taskQueueType of [WORKFLOW_TASKS, ACTIVITY_TASKS]) {
    const { pollers } = await connection.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: taskQueue },
      taskQueueType,
    });
    if (!pollers || pollers.length === 0) return false;
  }
  return true;
}
