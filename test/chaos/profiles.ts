import type { FaultInput } from '../../src/devnode/faults.js';

/**
 * Faults that the node has all the time, in addition to the strikes of the plan. `bad-node` is the mix of
 * FoundationDB's chaos tests for its S3 backups: 25 % errors, 30 % throttled, 15 % delayed by up to ten
 * seconds, 1 % corrupted.
 */
export const PROFILES = {
  'bad-node': [
    { kind: 'error500', probability: 0.25 },
    // Of the 75 % that are left, so many that they make 30 % of all.
    { kind: 'throttle', probability: 0.2, retry_after: 1 },
    { kind: 'throttle', probability: 0.25 },
    { kind: 'delay', probability: 0.15, delay_ms: 10_000 },
    { kind: 'flip', probability: 0.022 },
  ],
} satisfies Record<string, FaultInput[]>;

export type ProfileName = keyof typeof PROFILES;

/** The share of all requests that a fault hits, after the faults before it in the list. */
export function shareOf(faults: readonly FaultInput[], kind: FaultInput['kind']): number {
  let left = 1;
  let share = 0;
  for (const fault of faults) {
    const { probability = 1 } = fault;
    const hit = fault.kind === 'delay' ? probability : left * probability;
    if (fault.kind === kind) share += hit;
    if (fault.kind !== 'delay') left -= hit;
  }
  return share;
}
