import type { Client, WorkflowHandle } from '@temporalio/client';
import { parseInput } from '../plan/input.js';
import type { EpochEndingInput, StateSnapshotInput, TransactionInput } from '../plan/input.js';
import { type BackupType, type Job, describeTarget, workflowIdOf } from '../plan/job.js';
import { CONTROL_QUEUE } from '../plan/messages.js';
import type { BackupResult } from '../plan/unit.js';
import { storageId } from '../storage/storage-id.js';

export type BackupInput = EpochEndingInput | StateSnapshotInput | TransactionInput;

const WORKFLOW_TYPES: Record<BackupType, string> = {
  epoch_ending: 'epochEndingBackup',
  state_snapshot: 'stateSnapshotBackup',
  transaction: 'transactionBackup',
};

const MOST_BLOCKED = 100;

/**
 * Starts a backup workflow, or finds the one that already does the same: its id follows from storage
 * and range. One that has ended is started anew, and then finds what is stored.
 * @throws InputError before anything is started
 */
export async function startBackup(
  client: Client,
  type: BackupType,
  input: BackupInput,
): Promise<WorkflowHandle<() => Promise<BackupResult>>> {
  const { job } = parseInput(type, input);
  return client.workflow.start<(input: BackupInput) => Promise<BackupResult>>(
    WORKFLOW_TYPES[type],
    {
      workflowId: backupWorkflowId(job),
      taskQueue: CONTROL_QUEUE,
      args: [input],
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary: describeTarget(job.target),
      staticDetails: `from ${job.nodes.join(', ')} to ${job.storage.local_fs_dir}`,
    },
  );
}

/** Backups that wait for a retry, or until they try again by themselves; at most a hundred. */
export async function listBlocked(client: Client): Promise<string[]> {
  const types = Object.values(WORKFLOW_TYPES).map((type) => `"${type}"`);
  const query = `WorkflowType IN (${types.join(', ')}) AND Phase = "blocked" AND ExecutionStatus = "Running"`;
  const blocked: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query, pageSize: MOST_BLOCKED })) {
    blocked.push(workflowId);
    if (blocked.length === MOST_BLOCKED) break;
  }
  return blocked;
}

/** The same for everybody who wants the same range in the same storage. */
export function backupWorkflowId(job: Job): string {
  return workflowIdOf(storageId(job.storage), job.target);
}
