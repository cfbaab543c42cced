import type { StreamMemory } from '../../../contract/coordinator-memory.js';
import { type Target, keyOf } from '../../../contract/job.js';

const MOST_GIVEN_UP = 20;

/** Notes a snapshot as given up. Only the newest are kept, because they go from run to run. */
export function giveUp(stream: StreamMemory, target: Target): void {
  stream.givenUp = [...stream.givenUp, keyOf(target)].slice(-MOST_GIVEN_UP);
}
