import { type Client, WithStartWorkflowOperation, type WorkflowHandle } from '@temporalio/client';
import { type BackupStatus, CONTROL_QUEUE } from '../../src/plan/messages.js';
import type { BackupResult } from '../../src/plan/unit.js';
import { until } from './temporal.js';

type Backup = (input: object) => Promise<BackupResult>;

/** A backup of transactions that is paused from its first moment on. */
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

/** Waits until it is planned: its ranges begin when it is resumed. */
export async function untilPlanned(handle: WorkflowHandle<Backup>): Promise<void> {
  await until('it is planned', async () => {
    return (await handle.query<BackupStatus>('status')).segment !== undefined;
  });
}
