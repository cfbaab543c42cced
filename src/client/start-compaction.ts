import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowHandle,
} from '@temporalio/client';
import type { Compaction } from '../contract/answers/compaction-answers.js';
import { type CompactionInput, parseCompactionInput } from '../contract/compaction-input.js';
import { CONTROL_QUEUE } from '../contract/messages.js';
import { storageName } from '../contract/storage-name.js';
import { workflowPrefix } from './workflow-prefix.js';

type CompactionWorkflow = (input: CompactionInput) => Promise<Compaction>;

export interface StartedCompaction {
  handle: WorkflowHandle<CompactionWorkflow>;
  /** It was running already, perhaps with other settings. */
  joined: boolean;
}

/**
 * Starts a compaction of a storage, or joins the running one. A dry run is a workflow of its own, which hinders
 * nobody. @throws InputError
 */
export async function startCompaction(
  client: Client,
  input: CompactionInput,
): Promise<StartedCompaction> {
  const { storage, dryRun } = parseCompactionInput(input);
  const workflowId = `${workflowPrefix(storage)}compact${dryRun ? '/dry-run' : ''}`;
  try {
    const handle = await client.workflow.start<CompactionWorkflow>('compactMetadata', {
      workflowId,
      taskQueue: CONTROL_QUEUE,
      args: [input],
      workflowIdConflictPolicy: 'FAIL',
      staticSummary: dryRun ? 'see what a compaction of metadata would do' : 'compact metadata',
      staticDetails: storageName(storage),
    });
    return { handle, joined: false };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return { handle: client.workflow.getHandle<CompactionWorkflow>(workflowId), joined: true };
  }
}
