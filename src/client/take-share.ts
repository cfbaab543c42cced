import { type Client, WithStartWorkflowOperation } from '@temporalio/client';
import { CONTROL_QUEUE, UPDATE_TAKE_SHARE } from '../contract/messages.js';
import { nodeName } from '../contract/node-limits.js';
import { type Ask, type Grant, isGrant } from '../contract/share-out.js';
import { digestId, readablePart } from '../storage/storage-id.js';

type Limiter = (input: { node: string }) => Promise<void>;

/** Longest wait for an answer. The lease is longer, so that a process may ask several times before it ends. */
const ANSWER_MS = 10_000;
const MOST_SUMMARY = 190;

/** The workflow id of the limiter of a node. */
export function limiterId(node: string): string {
  const name = nodeName(node);
  return `aptos-backup/node/${readablePart(name)}-${digestId(name)}`;
}

/**
 * Asks the limiter of a node for a share. Begins the limiter if it does not run. `answerMs`: longest wait for the answer.
 * @throws what the client throws
 */
export async function takeShare(
  client: Client,
  node: string,
  ask: Ask,
  answerMs = ANSWER_MS,
): Promise<Grant> {
  const name = nodeName(node);
  const start = new WithStartWorkflowOperation<Limiter>('limitNode', {
    workflowId: limiterId(node),
    taskQueue: CONTROL_QUEUE,
    args: [{ node: name }],
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: `limit ${name}`.slice(0, MOST_SUMMARY),
    staticDetails: `shares out what ${name} may be asked for among the worker processes that work with it`,
  });
  const grant: unknown = await client.withDeadline(Date.now() + answerMs, () =>
    client.workflow.executeUpdateWithStart<Limiter, unknown, [Ask]>(UPDATE_TAKE_SHARE, {
      args: [ask],
      startWorkflowOperation: start,
    }),
  );
  if (isGrant(grant)) return grant;
  throw new Error(`the limiter of ${name} gave no share; is it of another release?`);
}
