import type { CoordinatorMemory } from '../../plan/coordinator.js';
import { TIDY_AFTER_MS } from './storage-work.js';
import { restAfter } from './units.js';

/**
 * Takes what seems to lie ahead for now: the server's clock was set back since, and what counts from
 * then would wait until the clock is there again.
 */
export function dropFuture(memory: CoordinatorMemory, now: number): CoordinatorMemory {
  const { streams, alarms, node, lies = [] } = memory;
  const past = <K extends string>(of: Partial<Record<K, number>> | undefined, ...keys: K[]) => {
    for (const key of keys) if (of && (of[key] ?? 0) > now) of[key] = now;
  };
  past(memory, 'startedAt', 'surveyedAt', 'lookedAnewAt');
  past(node, 'edgesAt');
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
