import type { ActivityOptions } from '@temporalio/workflow';
import { KILLS_ITS_WORKER } from '../plan/messages.js';
import { apartOptions, rangeOptions } from './activity-options.js';
import { failureCode } from './failures.js';

/**
 * Runs an activity of the chunk queue. When its workers died of it, or beside it, several times it is
 * run once more apart, where it can harm nothing else; what it does there counts. `suspect`: it is known for
 * that, and run apart at once.
 */
export async function runChunk<T>(
  summary: string,
  run: (options: ActivityOptions) => Promise<T>,
  suspect = false,
): Promise<T> {
  try {
    if (!suspect) return await run({ ...rangeOptions, summary });
  } catch (error) {
    if (failureCode(error) !== KILLS_ITS_WORKER) throw error;
  }
  return run({ ...apartOptions, summary: `${summary}, apart` });
}
