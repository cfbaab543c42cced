import { type Client, WorkflowUpdateRPCTimeoutOrCancelledError } from '@temporalio/client';
import { describeGoing } from './stuck.js';

/**
 * Sends an update to a running workflow. Returns its answer.
 * @throws StuckWorkflowError, Error that says why nothing answers, errors of the client
 */
export async function tellWorkflow<T = unknown>(
  client: Client,
  workflowId: string,
  update: string,
  argument?: unknown,
  updateId?: string,
): Promise<T> {
  await describeGoing(client, workflowId);
  const handle = client.workflow.getHandle(workflowId);
  try {
    return await handle.executeUpdate<T, [unknown]>(update, {
      args: [argument],
      ...(updateId === undefined ? {} : { updateId }),
    });
  } catch (error) {
    if (!(error instanceof WorkflowUpdateRPCTimeoutOrCancelledError)) throw error;
    // The server may hand it to the next worker that comes.
    const why = `${workflowId} does not answer in time: its workers are dead, busy or too few`;
    throw new Error(`${why}. It may still be done when one of them comes: see the status`, {
      cause: error,
    });
  }
}
