import { createHash } from 'node:crypto';
import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowHandle,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { CONTROL_QUEUE } from '../contract/messages.js';
import { type VerifyInput, parseVerifyInput } from '../contract/verify-input.js';
import { workflowPrefix } from './workflow-prefix.js';
import { storageName } from '../contract/storage-name.js';
import { type Coverage, coverage } from '../contract/answers/verify-answers.js';
import { carriedResult } from './carried-result.js';

type VerifyWorkflow = (input: VerifyInput) => Promise<Coverage>;

export interface StartedVerification {
  handle: WorkflowHandle<VerifyWorkflow>;
  /**
   * When the verification began, if it was already running. Its result says nothing about what was stored or
   * changed after that.
   */
  begunAt?: Date;
}

/** Starts a verification, or joins the running one with the same storage and options. @throws InputError */
export async function startVerify(
  client: Client,
  input: VerifyInput,
): Promise<StartedVerification> {
  const workflowId = verifyWorkflowId(input);
  try {
    const handle = await client.workflow.start<VerifyWorkflow>('verifyBackups', {
      workflowId,
      taskQueue: CONTROL_QUEUE,
      args: [input],
      workflowIdConflictPolicy: 'FAIL',
      staticSummary: 'verify',
      staticDetails: storageName(input.storage),
    });
    return { handle };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const handle = client.workflow.getHandle<VerifyWorkflow>(workflowId);
    return { handle, begunAt: await begunAt(client, handle) };
  }
}

/** The workflow id of a verification. Storage and options determine it, except how many tasks run at once. */
export function verifyWorkflowId(input: VerifyInput): string {
  const { settings, scope, budget } = parseVerifyInput(input);
  const { storage, network, trustWaypoints } = settings;
  const options = [network ?? null, [...trustWaypoints].sort(), scope, budget];
  const digest = createHash('sha256').update(JSON.stringify(options)).digest('hex');
  return `${workflowPrefix(storage)}verify/${digest.slice(0, 8)}`;
}

/** When the first run of the verification began; if the server no longer keeps that run, when the present one began. */
async function begunAt(client: Client, handle: WorkflowHandle<VerifyWorkflow>): Promise<Date> {
  const { raw, startTime } = await handle.describe();
  const first = raw.workflowExecutionInfo?.firstRunId;
  if (!first) return startTime;
  try {
    return (await client.workflow.getHandle(handle.workflowId, first).describe()).startTime;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return startTime;
    throw error;
  }
}

/** Waits for the coverage statement. A verification that found damage fails, and its failure carries the statement. */
export function coverageOf(result: Promise<Coverage>): Promise<Coverage> {
  return carriedResult(result, coverage, 'VERIFY_FAILED', 'the verification');
}
