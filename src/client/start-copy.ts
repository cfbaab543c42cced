import { createHash } from 'node:crypto';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { type CopyResult, copyResult } from '../contract/answers/copy-answers.js';
import { type CopyInput, parseCopyInput } from '../contract/copy-input.js';
import { CONTROL_QUEUE, COORDINATOR_MEMO } from '../contract/messages.js';
import { storageName } from '../contract/storage-name.js';
import { storageId } from '../storage/open.js';
import { workflowPrefix } from './workflow-prefix.js';
import { carriedResult } from './carried-result.js';

type CopyWorkflow = (input: CopyInput) => Promise<CopyResult>;
export type CopyHandle = WorkflowHandle<CopyWorkflow>;

/**
 * Starts a copy, or joins the running one with the same storages and range. `coordinator`: the id of the one that
 * starts it. @throws InputError
 */
export async function startCopy(
  client: Client,
  input: CopyInput,
  coordinator?: string,
): Promise<CopyHandle> {
  const { settings } = parseCopyInput(input);
  return client.workflow.start<CopyWorkflow>('copyBackups', {
    workflowId: copyWorkflowId(input),
    taskQueue: CONTROL_QUEUE,
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: 'copy',
    staticDetails: `${storageName(settings.from)} to ${storageName(settings.to)}`,
    ...(coordinator === undefined ? {} : { memo: { [COORDINATOR_MEMO]: coordinator } }),
  });
}

/** The workflow id of a copy. Both storages and what is asked for determine it, but not how fast it goes. */
export function copyWorkflowId(input: CopyInput): string {
  const { settings, scope } = parseCopyInput(input);
  const { from, to, network, trustWaypoints } = settings;
  const options = [network ?? null, [...trustWaypoints].sort(), scope];
  const digest = createHash('sha256').update(JSON.stringify(options)).digest('hex');
  return `${workflowPrefix(from)}copy/${storageId(to)}/${digest.slice(0, 8)}`;
}

/** Waits for the result. A copy that skipped something fails, and its failure carries the result. */
export function copied(result: Promise<CopyResult>): Promise<CopyResult> {
  return carriedResult(result, copyResult, 'COPY_INCOMPLETE', 'the copy');
}
