import {
  type Client,
  ApplicationFailure,
  WorkflowFailedError,
  type WorkflowHandleWithFirstExecutionRunId,
} from '@temporalio/client';
import { storageId } from '../backup/storage-id.js';
import { CONTROL_QUEUE } from '../plan/messages.js';
import type { Coverage } from '../plan/verify.js';
import { type VerifyInput, parseVerifyInput } from '../plan/verify-input.js';

/** Starts the verification of a storage, or joins the one that runs. @throws InputError */
export async function startVerify(
  client: Client,
  input: VerifyInput,
): Promise<WorkflowHandleWithFirstExecutionRunId<(input: VerifyInput) => Promise<Coverage>>> {
  const { storage } = parseVerifyInput(input).settings;
  return client.workflow.start<(input: VerifyInput) => Promise<Coverage>>('verifyBackups', {
    workflowId: `aptos-backup/${storageId(storage)}/verify`,
    taskQueue: CONTROL_QUEUE,
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: 'verify',
    staticDetails: storage.local_fs_dir,
  });
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
