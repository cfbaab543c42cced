import type { ActivityOptions } from '@temporalio/workflow';
import { APART_QUEUE, KILLS_ITS_WORKER } from '../contract/messages.js';
import { rangeOptions } from './activity-options.js';
import { failureCode } from './workflow-failure.js';

/**
 * Runs an activity. After its workers died several times, with this activity or others in hand, it runs
 * once more in the apart worker, where it can harm nothing else. The work done there counts. Pass
 * `suspect` when the activity is known to kill workers: then it runs apart at once.
 */
export async function runOrApart<T>(
  options: ActivityOptions,
  summary: string,
  run: (options: ActivityOptions) => Promise<T>,
  suspect = false,
): Promise<T> {
  try {
    if (!suspect) return await run({ ...options, summary });
  } catch (error) {
    if (failureCode(error) !== KILLS_ITS_WORKER) throw error;
  }
  return run({ ...options, taskQueue: APART_QUEUE, summary: `${summary}, apart` });
}

/** Runs an activity of the chunk queue, like `runOrApart`. */
export function runChunk<T>(
  summary: string,
  run: (options: ActivityOptions) => Promise<T>,
  suspect = false,
): Promise<T> {
  return runOrApart(rangeOptions, summary, run, suspect);
}
