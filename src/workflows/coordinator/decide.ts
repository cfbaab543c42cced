import type { NodeView } from '../../contract/coordinator-memory.js';
import { type BackupType, type TargetOf, spanOfTarget } from '../../contract/job.js';
import { rulesOf } from '../../contract/kinds/index.js';
import { type Decision, type Situation, waitForRetryOr } from '../../contract/kinds/situation.js';

/** When so many units of one stream have failed, the units are not the cause. No others are started. */
export const MOST_FAILED_UNITS = 20;

/**
 * Decides the next unit of a stream. It fills the lowest hole first, because the node prunes the oldest
 * data first.
 */
export function decide(type: BackupType, situation: Situation): Decision {
  const memory = situation.streams[type];
  const asked = memory.requested[0];
  if (asked) return whenThere(asked, situation.node);
  const again = memory.failed.find(({ retryAt }) => retryAt <= situation.now);
  if (again) return { start: again.target };
  if (memory.failed.length >= MOST_FAILED_UNITS) {
    return waitForRetryOr(memory, `one of ${memory.failed.length} failed units to succeed`, {});
  }
  const resting = memory.failed.map(({ target }) => spanOfTarget(target));
  return rulesOf(type).next(situation, resting);
}

/** Whether a stream has something to store. Failed units and units that wait for another stream count. */
export function isDue(type: BackupType, situation: Situation): boolean {
  const streams = {
    ...situation.streams,
    [type]: { ...situation.streams[type], failed: [], requested: [] },
  };
  const decision = decide(type, { ...situation, streams });
  return 'start' in decision || decision.heldUp === true;
}

/** Starts a requested unit when the node has it. Until then the request waits. */
export function whenThere<K extends BackupType>(
  target: TargetOf<K>,
  node: Readonly<NodeView>,
): Decision {
  return rulesOf<K>(target.type).whenThere(target, node);
}
