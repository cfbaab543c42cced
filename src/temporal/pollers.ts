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
  return (await pollersOf(connection, namespace, taskQueue)).length > 0;
}

/** A worker that has lately polled a task queue. */
interface Poller {
  identity: string;
  /** When it last did. A poll that waits for a task takes up to a minute. */
  at: Date;
}

/** The workers that have lately polled this task queue for activity tasks, as long as the server remembers them. */
export async function lastPolls(
  { workflowService }: Pick<Connection, 'workflowService'>,
  namespace: string,
  taskQueue: string,
): Promise<Poller[]> {
  const { pollers } = await workflowService.describeTaskQueue({
    ...{ namespace, taskQueue: { name: taskQueue }, taskQueueType: ACTIVITY_TASKS },
  });
  return (pollers ?? []).map(({ identity, lastAccessTime: time }) => ({
    identity: identity ?? '',
    at: new Date(Number(time?.seconds ?? 0) * 1000),
  }));
}

/**
 * The identities of the workers that have lately polled this task queue for activity tasks; none if none has polled it
 * for workflow tasks. The server remembers a worker for some minutes after its end.
 */
export async function pollersOf(
  connection: Connection,
  namespace: string,
  taskQueue: string,
): Promise<string[]> {
  let identities: string[] = [];
  for (const taskQueueType of [WORKFLOW_TASKS, ACTIVITY_TASKS]) {
    const { pollers } = await connection.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: taskQueue },
      taskQueueType,
    });
    if (!pollers || pollers.length === 0) return [];
    identities = pollers.map(({ identity }) => identity ?? '');
  }
  return identities;
}
