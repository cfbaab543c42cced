import {
  ApplicationFailure,
  type Client,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  type WorkflowHandle,
} from '@temporalio/client';
import { readAnswer } from '../contract/answers/read-answer.js';
import { type DrillReport, drillReport } from '../contract/answers/restore-answers.js';
import type { DrillInput } from '../contract/drill-input.js';
import { codeOfFailure } from '../contract/failure.js';
import type { StorageConfig } from '../contract/job.js';
import { CONTROL_QUEUE } from '../contract/messages.js';
import { storageName } from '../contract/storage-name.js';
import { workflowPrefix } from './workflow-prefix.js';

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
export async function reportOf(result: Promise<DrillReport>): Promise<DrillReport> {
  try {
    return readAnswer(drillReport, await result, 'the drill');
  } catch (error) {
    const cause = error instanceof WorkflowFailedError ? error.cause : undefined;
    if (cause instanceof ApplicationFailure && codeOfFailure(cause) === 'DRILL_FAILED') {
      return readAnswer(drillReport, cause.details?.[0], 'the drill');
    }
    throw error;
  }
}

function drillId(storage: StorageConfig): string {
  return `${workflowPrefix(storage)}drill`;
}
