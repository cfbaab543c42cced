import { type Client, WithStartWorkflowOperation, type WorkflowHandle } from '@temporalio/client';
import { CONTROL_QUEUE } from '../../src/contract/messages.js';
import type { BackupResult } from '../../src/contract/unit.js';
import { until } from './until.js';
import type { BackupStatus } from '../../src/contract/answers/backup-answers.js';

type Backup = (input: object) => Promise<BackupResult>;

/** A backup of transactions that is paused from the start. */
export async function startPaused(
  { workflow }: Client,
  workflowId: string,
  input: object,
): Promise<WorkflowHandle<Backup>> {
  const startWorkflowOperation = new WithStartWorkflowOperation<Backup>('transactionBackup', {
    ...{ workflowId, taskQueue: CONTROL_QUEUE },
    args: [input],
    workflowIdConflictPolicy: 'FAIL',
  });
  await workflow.executeUpdateWithStart('pause', { startWorkflowOperation });
  return startWorkflowOperation.workflowHandle();
}

/** Waits for its plan. Its ranges start when it is resumed. */
export async function untilPlanned(handle: WorkflowHandle<Backup>): Promise<void> {
  await until('it is planned', async () => {
    return (await handle.query<BackupStatus>('status')).phase === 'backing up';
  });
}
