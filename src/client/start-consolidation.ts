import type { Client, WorkflowHandle } from '@temporalio/client';
import { type Consolidation, consolidation } from '../contract/answers/consolidation-answers.js';
import { type ConsolidateInput, parseConsolidateInput } from '../contract/consolidate-input.js';
import { CONTROL_QUEUE } from '../contract/messages.js';
import { storageName } from '../contract/storage-name.js';
import { workflowPrefix } from './workflow-prefix.js';
import { carriedResult } from './carried-result.js';

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
export function consolidationOf(result: Promise<Consolidation>): Promise<Consolidation> {
  return carriedResult(result, consolidation, 'CONSOLIDATION_DAMAGE', 'the consolidation');
}
