import { ApplicationFailure, type Client, WorkflowFailedError } from '@temporalio/client';
import { shorten } from '../lib/shorten.js';

const MOST_WHY = 300;

interface Run {
  workflowId: string;
  runId: string;
}

/** Adds to what is known of the last runs why the newest that failed did so, if there is one and the server knows it. */
export async function withWhy<T extends { failed_why?: string | undefined }>(
  client: Client,
  last: T,
  failed: Run | undefined,
): Promise<T> {
  const why = failed && (await whyFailed(client, failed));
  return why === undefined ? last : { ...last, failed_why: why };
}

/** The code and the first sentence. Undefined when nothing tells it. */
async function whyFailed(client: Client, { workflowId, runId }: Run): Promise<string | undefined> {
  const run = client.workflow.getHandle(workflowId, runId, { followRuns: false });
  const cause = await causeOf(run.result());
  return cause && inShort(cause);
}

/** The failure with which a run ended. Undefined for a run that did not fail, or of which nothing is known. */
export async function causeOf(result: Promise<unknown>): Promise<Error | undefined> {
  try {
    await result;
    return undefined;
  } catch (error) {
    return error instanceof WorkflowFailedError ? error.cause : undefined;
  }
}

/** The code of a failure and the first sentence of its message. */
export function inShort(failure: Error): string {
  const [sentence] = failure.message.split(/(?<=\.)\s|\n/);
  const code = failure instanceof ApplicationFailure ? failure.type : undefined;
  return shorten(code ? `${code}: ${sentence}` : sentence!, MOST_WHY);
}
