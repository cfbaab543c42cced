import type { CoordinatorMemory } from '../../../contract/coordinator-memory.js';
import { LONGEST_COPY_REST_MS } from './copy-record.js';
import { restAfter } from './unit-end.js';

/**
 * How long to wait before the storage is tidied. A unit that was given up may still write for a while.
 */
export const TIDY_AFTER_MS = 3 * 60_000;

/**
 * Sets times that lie in the future to now. They stem from before the server's clock was set back. Left
 * as they are, everything that counts from them would wait until the clock reaches them again.
 */
export function dropFuture(memory: CoordinatorMemory, now: number): CoordinatorMemory {
  const { streams, alarms, node, copy, lies = [] } = memory;
  const past = <K extends string>(of: Partial<Record<K, number>> | undefined, ...keys: K[]) => {
    for (const key of keys) if (of && (of[key] ?? 0) > now) of[key] = now;
  };
  past(memory, 'startedAt', 'surveyedAt', 'lookedAnewAt');
  past(node, 'edgesAt', 'movedAt');
  past(copy, 'begunAt', 'behindSince', 'endedAt');
  if (copy) copy.retryAt = Math.min(copy.retryAt, now + LONGEST_COPY_REST_MS);
  for (const lie of lies) past(lie, 'at');
  for (const alarm of alarms) past(alarm, 'since');
  if (memory.tidyAt !== undefined) memory.tidyAt = Math.min(memory.tidyAt, now + TIDY_AFTER_MS);
  for (const stream of Object.values(streams)) {
    past(stream, 'batchOpenSince', 'askedAt', 'dueSince');
    past(stream.lastCommit, 'at');
    past(stream.lastError, 'at');
    for (const failed of stream.failed) {
      past(failed, 'failedAt');
      const rest = restAfter(failed.code, failed.attempts);
      failed.retryAt = Math.min(failed.retryAt, now + rest);
    }
  }
  return memory;
}
