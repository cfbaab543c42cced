import { ApplicationFailure, type Client, WorkflowFailedError } from '@temporalio/client';
import { shorten } from '../lib/shorten.js';

const MOST_WHY = 300;

/** Why a run of a workflow that has ended failed: the code and the first sentence. Undefined when nothing tells it. */
export async function whyFailed(
  client: Client,
  { workflowId, runId }: { workflowId: string; runId: string },
): Promise<string | undefined> {
  try {
    await client.workflow.getHandle(workflowId, runId, { followRuns: false }).result();
    return undefined;
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) return undefined;
    return error.cause && inShort(error.cause);
  }
}

/** The code of a failure and the first sentence of its message. */
export function inShort(failure: Error): string {
  const [sentence] = failure.message.split(/(?<=\.)\s|\n/);
  const code = failure instanceof ApplicationFailure ? failure.type : undefined;
  return shorten(code ? `${code}: ${sentence}` : sentence!, MOST_WHY);
}
