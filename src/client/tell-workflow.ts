import type { Client } from '@temporalio/client';
import { describeGoing } from './stuck.js';

/** Sends an update to a running workflow. Returns its answer. @throws StuckWorkflowError, errors of the client */
export async function tellWorkflow<T = unknown>(
  client: Client,
  workflowId: string,
  update: string,
  argument?: unknown,
  updateId?: string,
): Promise<T> {
  await describeGoing(client, workflowId);
  const handle = client.workflow.getHandle(workflowId);
  return handle.executeUpdate<T, [unknown]>(update, {
    args: [argument],
    ...(updateId === undefined ? {} : { updateId }),
  });
}
