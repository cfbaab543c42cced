import { createHash } from 'node:crypto';
import {
  type Client,
  ApplicationFailure,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  type WorkflowHandle,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { CONTROL_QUEUE } from '../plan/messages.js';
import type { Coverage } from '../plan/verify.js';
import { type VerifyInput, parseVerifyInput } from '../plan/verify-input.js';
import { storageId } from '../storage/storage-id.js';

type VerifyWorkflow = (input: VerifyInput) => Promise<Coverage>;

export interface StartedVerification {
  handle: WorkflowHandle<VerifyWorkflow>;
  /** When it was begun, if not now: it says nothing of what was stored or changed since. */
  begunAt?: Date;
}

/** Starts a verification, or joins the one of the same storage and options. @throws InputError */
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
      staticDetails: input.storage.local_fs_dir,
    });
    return { handle };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const handle = client.workflow.getHandle<VerifyWorkflow>(workflowId);
    return { handle, begunAt: await begunAt(client, handle) };
  }
}

/** The same for everybody who wants the same to be verified; how many tasks at once does not matter. */
export function verifyWorkflowId(input: VerifyInput): string {
  const { settings, scope, budget } = parseVerifyInput(input);
  const { storage, network, trustWaypoints } = settings;
  const options = [network ?? null, [...trustWaypoints].sort(), scope, budget];
  const digest = createHash('sha256').update(JSON.stringify(options)).digest('hex');
  return `aptos-backup/${storageId(storage)}/verify/${digest.slice(0, 8)}`;
}

/** When the first of its runs began, or the first that the server still knows of. */
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

/** The statement of a verification, also of one that failed because of what it states. */
export async function coverageOf(result: Promise<Coverage>): Promise<Coverage> {
  try {
    return await result;
  } catch (error) {
    const cause = error instanceof WorkflowFailedError ? error.cause : undefined;
    if (cause instanceof ApplicationFailure && cause.type === 'VERIFY_FAILED') {
      return cause.details![0] as Coverage;
    }
    throw error;
  }
}
