import { type NativeConnection, Worker } from '@temporalio/worker';
import { CACHED_WORKFLOWS } from '../../../src/supervisor/worker-settings.js';

export const TASK_QUEUE = 'late-query';

/** Caches as many workflows as the real workers do. */
export function createWorker(connection: NativeConnection, codePath: string): Promise<Worker> {
  return Worker.create({
    connection,
    taskQueue: TASK_QUEUE,
    workflowBundle: { codePath },
    maxCachedWorkflows: CACHED_WORKFLOWS,
  });
}
