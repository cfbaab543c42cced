import { type CoordinatorMemory, STREAMS } from '../../plan/coordinator.js';
import { isDue } from '../../plan/decide.js';

/**
 * Keeps since when each stream has something to store. While nothing can be begun all of them count
 * as due: nobody knows what they miss. What cannot be said yet stays as it was.
 */
export function noteWhatIsDue(memory: CoordinatorMemory, blocked: boolean, now: number): void {
  const { survey, node, settings, streams } = memory;
  const hindered = blocked || node?.problem !== undefined;
  for (const type of STREAMS) {
    const stream = streams[type];
    if (hindered) stream.dueSince ??= now;
    else if (!survey || !node || node.at === 0) continue;
    else if (isDue(type, { settings, survey, node, streams, now })) stream.dueSince ??= now;
    else delete stream.dueSince;
  }
}
