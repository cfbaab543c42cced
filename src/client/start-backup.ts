import type { Client, WorkflowHandle } from '@temporalio/client';
import { type InputOf, parseInput } from '../contract/backup-input.js';
import { type BackupType, type Job, describeTarget, workflowIdOf } from '../contract/job.js';
import { BACKUP_TYPES, rulesOf } from '../contract/kinds/index.js';
import { CONTROL_QUEUE, COORDINATOR_MEMO } from '../contract/messages.js';
import type { BackupResult } from '../contract/unit.js';
import { storageId } from '../storage/open.js';
import { storageName } from '../contract/storage-name.js';

export type BackupInput = InputOf<BackupType>;

const MOST_LISTED = 100;

/**
 * Starts a backup workflow, or joins the one that already does the same. Storage and range determine the workflow
 * id. If that workflow has ended, it is started again and finds what is stored. `coordinator`: the id of the one that
 * starts it.
 * @throws InputError before anything is started
 */
export async function startBackup(
  client: Client,
  type: BackupType,
  input: BackupInput,
  coordinator?: string,
): Promise<WorkflowHandle<() => Promise<BackupResult>>> {
  const { job } = parseInput(type, input);
  return client.workflow.start<(input: BackupInput) => Promise<BackupResult>>(
    rulesOf(type).workflow,
    {
      workflowId: backupWorkflowId(job),
      taskQueue: CONTROL_QUEUE,
      args: [input],
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary: describeTarget(job.target),
      staticDetails: `from ${job.nodes.join(', ')} to ${storageName(job.storage)}`,
      ...(coordinator === undefined ? {} : { memo: { [COORDINATOR_MEMO]: coordinator } }),
    },
  );
}

/**
 * Workflow ids of backups that wait for a `retry` message or for their next attempt; at most a hundred. Also
 * lists running backups without the search attribute `Phase`, because the server may not have had it when
 * they began.
 */
export async function listBlocked(client: Client): Promise<string[]> {
  const types = BACKUP_TYPES.map((type) => `"${rulesOf(type).workflow}"`);
  const running = `WorkflowType IN (${types.join(', ')}) AND ExecutionStatus = "Running"`;
  const phase = 'Phase = "blocked" OR Phase IS NULL';
  return list(client, `${running} AND (${phase})`).catch(() => list(client, running));
}

async function list(client: Client, query: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query, pageSize: MOST_LISTED })) {
    found.push(workflowId);
    if (found.length === MOST_LISTED) break;
  }
  return found;
}

/** The workflow id of a backup. Two requests for the same range in the same storage get the same id. */
export function backupWorkflowId(job: Job): string {
  return workflowIdOf(storageId(job.storage), job.target);
}
