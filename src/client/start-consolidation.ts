import {
  ApplicationFailure,
  type Client,
  WorkflowFailedError,
  type WorkflowHandle,
} from '@temporalio/client';
import { type Consolidation, consolidation } from '../contract/answers/consolidation-answers.js';
import { readAnswer } from '../contract/answers/read-answer.js';
import { type ConsolidateInput, parseConsolidateInput } from '../contract/consolidate-input.js';
import { codeOfFailure } from '../contract/failure.js';
import { CONTROL_QUEUE } from '../contract/messages.js';
import { storageName } from '../contract/storage-name.js';
import { workflowPrefix } from './workflow-prefix.js';

type ConsolidateWorkflow = (input: ConsolidateInput) => Promise<Consolidation>;

/** Starts a consolidation, or joins the one of the same storage that runs. @throws InputError */
export function startConsolidation(
  client: Client,
  input: ConsolidateInput,
): Promise<WorkflowHandle<ConsolidateWorkflow>> {
  const { settings, dryRun } = parseConsolidateInput(input);
  const id = `${workflowPrefix(settings.storage)}consolidate`;
  return client.workflow.start<ConsolidateWorkflow>('consolidateBackups', {
    workflowId: dryRun ? `${id}-dry-run` : id,
    taskQueue: CONTROL_QUEUE,
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: 'consolidate',
    staticDetails: storageName(input.storage),
  });
}

/** Waits for the result. A consolidation that met damage fails, and its failure carries the result. */
export async function consolidationOf(result: Promise<Consolidation>): Promise<Consolidation> {
  try {
    return readAnswer(consolidation, await result, 'the consolidation');
  } catch (error) {
    const cause = error instanceof WorkflowFailedError ? error.cause : undefined;
    if (cause instanceof ApplicationFailure && codeOfFailure(cause) === 'CONSOLIDATION_DAMAGE') {
      return readAnswer(consolidation, cause.details?.[0], 'the consolidation');
    }
    throw error;
  }
}
