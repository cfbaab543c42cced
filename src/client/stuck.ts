import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import type { StuckWorkflow } from '../contract/answers/shown-answers.js';

/** The workflow is stuck and cannot answer. */
export class StuckWorkflowError extends Error {
  override readonly name = 'StuckWorkflowError';

  constructor(readonly stuck: StuckWorkflow) {
    super(describeStuck(stuck));
  }
}

/** Search attribute. The server sets it after five failures of a workflow task and clears it after a success. */
const REPORTED = 'TemporalReportedProblems';
/** From so many attempts on a workflow is stuck. Two failures may only be a worker that died twice. */
const STUCK_ATTEMPTS = 3;
const MOST_LISTED = 10;
const EVENTS_READ = 100;
const MOST_FAILURE = 500;

const OTHER_CODE =
  'the code of the worker does not fit what the workflow has done: run the release that began it, ' +
  'or end it and start it again, which loses nothing that is stored (docs/internals.md, "Changing workflow code")';
const BROKEN_CODE =
  'the code of the worker is broken: run a release without this error, and it goes on by itself';
const NO_END = 'its worker dies or hangs in it: see the crash reports in the data folder';

export function describeStuck({
  workflow_id: workflowId,
  type,
  since,
  failure,
  advice,
}: StuckWorkflow): string {
  return `${type} ${workflowId} is stuck since ${since}: ${failure}; ${advice}`;
}

/** Describes a workflow, as the server does. @throws StuckWorkflowError when the workflow's own code fails */
export async function describeGoing(
  client: Client,
  workflowId: string,
): Promise<WorkflowExecutionDescription> {
  const description = await client.workflow.getHandle(workflowId).describe();
  const stuck = await stuckOf(client, description);
  if (stuck) throw new StuckWorkflowError(stuck);
  return description;
}

async function stuckOf(
  client: Client,
  { workflowId, runId, type, raw }: WorkflowExecutionDescription,
): Promise<StuckWorkflow | undefined> {
  const attempt = raw.pendingWorkflowTask?.attempt ?? 0;
  const reported = raw.workflowExecutionInfo?.searchAttributes?.indexedFields?.[REPORTED];
  if (attempt < STUCK_ATTEMPTS && !reported?.data?.length) return undefined;
  return explain(client, { workflowId, runId, type });
}

/** The error if a workflow is stuck, else undefined. Ignores all other errors. */
export async function stuckError(
  client: Client,
  id: string,
): Promise<StuckWorkflowError | undefined> {
  try {
    await describeGoing(client, id);
  } catch (error) {
    if (error instanceof StuckWorkflowError) return error;
  }
  return undefined;
}

/**
 * Workflows of a storage that the server reports as stuck; at most ten. Their ids begin with `prefix`. Older
 * servers do not report stuck workflows; the list is then empty.
 */
export async function listStuck(client: Client, prefix: string): Promise<StuckWorkflow[]> {
  const query = `${REPORTED} IS NOT NULL AND ExecutionStatus = "Running" AND WorkflowId STARTS_WITH "${prefix}"`;
  const stuck: StuckWorkflow[] = [];
  for await (const execution of client.workflow.list({ query, pageSize: MOST_LISTED })) {
    stuck.push(await explain(client, execution));
    if (stuck.length === MOST_LISTED) break;
  }
  return stuck;
}

/** Reads the failure from the history, where the server records the first of several failed attempts. */
async function explain(
  client: Client,
  { workflowId, runId, type }: { workflowId: string; runId: string; type: string },
): Promise<StuckWorkflow> {
  const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({
    namespace: client.options.namespace,
    execution: { workflowId, runId },
    maximumPageSize: EVENTS_READ,
  });
  const event = history?.events?.find(
    (e) => e.workflowTaskFailedEventAttributes ?? e.workflowTaskTimedOutEventAttributes,
  );
  const failed = event?.workflowTaskFailedEventAttributes?.failure;
  const failure = failed ? failed.message || 'it failed without a word' : 'its task timed out';
  const isOther = /TMPRL1100|nondetermin/i.test(failure);
  return {
    workflow_id: workflowId,
    type,
    since: new Date(Number(event?.eventTime?.seconds ?? 0) * 1000).toISOString(),
    failure: failure.split('\n')[0]!.slice(0, MOST_FAILURE),
    advice: isOther ? OTHER_CODE : failed ? BROKEN_CODE : NO_END,
  };
}
