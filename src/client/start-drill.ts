import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowHandle,
} from '@temporalio/client';
import { type DrillReport, drillReport } from '../contract/answers/restore-answers.js';
import type { DrillInput } from '../contract/drill-input.js';
import type { StorageConfig } from '../contract/job.js';
import { CONTROL_QUEUE } from '../contract/messages.js';
import { storageName } from '../contract/storage-name.js';
import { workflowPrefix } from './workflow-prefix.js';
import { carriedResult } from './carried-result.js';

type DrillWorkflow = (input: DrillInput) => Promise<DrillReport>;

export interface StartedDrill {
  handle: WorkflowHandle<DrillWorkflow>;
  /** A drill of this storage was running already; it may have other options. */
  joined: boolean;
}

/** Starts a drill of a storage, or joins the running one: there is one at a time. */
export async function startDrill(
  client: Client,
  input: DrillInput & { storage: StorageConfig },
): Promise<StartedDrill> {
  const workflowId = drillId(input.storage);
  try {
    const handle = await client.workflow.start<DrillWorkflow>('restoreDrill', {
      workflowId,
      taskQueue: CONTROL_QUEUE,
      args: [input],
      workflowIdConflictPolicy: 'FAIL',
      staticSummary: 'restore drill',
      staticDetails: storageName(input.storage),
    });
    return { handle, joined: false };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return { handle: client.workflow.getHandle<DrillWorkflow>(workflowId), joined: true };
  }
}

/** Waits for the report. A drill that found a fault fails, and its failure carries the report. */
export function reportOf(result: Promise<DrillReport>): Promise<DrillReport> {
  return carriedResult(result, drillReport, 'DRILL_FAILED', 'the drill');
}

function drillId(storage: StorageConfig): string {
  return `${workflowPrefix(storage)}drill`;
}
