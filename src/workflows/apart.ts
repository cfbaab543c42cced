import type { ActivityOptions } from '@temporalio/workflow';
import { APART_QUEUE, KILLS_ITS_WORKER } from '../plan/messages.js';
import { rangeOptions } from './activity-options.js';
import { failureCode } from './failures.js';

/**
 * Runs an activity. When its workers died of it, or beside it, several times it is run once more apart,
 * where it can harm nothing else; what it does there counts. `suspect`: it is known for that, and run
 * apart at once.
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

/** The same of an activity of the chunk queue. */
export function runChunk<T>(
  summary: string,
  run: (options: ActivityOptions) => Promise<T>,
  suspect = false,
): Promise<T> {
  return runOrApart(rangeOptions, summary, run, suspect);
}
