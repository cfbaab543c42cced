import { createHash } from 'node:crypto';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { GcAnswer, PruneAnswer } from '../contract/answers/retention-answers.js';
import type { StorageConfig } from '../contract/job.js';
import { CONTROL_QUEUE } from '../contract/messages.js';
import {
  type GcInput,
  type PruneInput,
  parseGcInput,
  parsePruneInput,
} from '../contract/retention-input.js';
import { storageName } from '../contract/storage-name.js';
import { workflowPrefix } from './workflow-prefix.js';

type PruneWorkflow = (input: PruneInput) => Promise<PruneAnswer>;
type GcWorkflow = (input: GcInput) => Promise<GcAnswer>;

/** Starts a prune, or joins the running one with the same storage and rules. @throws InputError */
export function startPrune(
  client: Client,
  input: PruneInput,
): Promise<WorkflowHandle<PruneWorkflow>> {
  const { storage, ...rules } = parsePruneInput(input);
  const digest = createHash('sha256').update(JSON.stringify(rules)).digest('hex').slice(0, 8);
  return client.workflow.start<PruneWorkflow>('pruneBackups', {
    ...optionsFor(storage, `prune/${digest}`, 'prune'),
    args: [input],
  });
}

/** Starts a gc, or joins the running one of the same storage. @throws InputError */
export function startGc(client: Client, input: GcInput): Promise<WorkflowHandle<GcWorkflow>> {
  const { storage, graceMs } = parseGcInput(input);
  const id = graceMs === undefined ? 'gc' : `gc/${graceMs}`;
  return client.workflow.start<GcWorkflow>('collectGarbage', {
    ...optionsFor(storage, id, 'gc'),
    args: [input],
  });
}

function optionsFor(storage: StorageConfig, id: string, summary: string) {
  return {
    workflowId: `${workflowPrefix(storage)}${id}`,
    taskQueue: CONTROL_QUEUE,
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    staticSummary: summary,
    staticDetails: storageName(storage),
  };
}
