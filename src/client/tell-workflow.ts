import type { Client } from '@temporalio/client';
import { describeGoing } from './stuck.js';

/** Sends an update to a running workflow. Returns its answer. @throws StuckWorkflowError, errors of the client */
export async function tellWorkflow(
  client: Client,
  workflowId: string,
  update: string,
  argument?: unknown,
): Promise<unknown> {
  await describeGoing(client, workflowId);
  const handle = client.workflow.getHandle(workflowId);
  return handle.executeUpdate<unknown, [unknown]>(update, { args: [argument] });
}
