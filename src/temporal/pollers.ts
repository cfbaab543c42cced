import type { Connection } from '@temporalio/client';

/** The kinds of task queue, in the numbering of the Temporal API. */
const WORKFLOW_TASKS = 1;
const ACTIVITY_TASKS = 2;

/** Whether any worker has asked this task queue for work lately, for both kinds of tasks. */
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
