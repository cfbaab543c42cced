import { type ErrorCode, entryOf, isErrorCode } from '../../../errors/catalogue.js';
import { type Target, spanOfTarget, targetKey } from '../../../contract/job.js';
import type { Lie } from '../../../contract/lies.js';
import type { BackupResult } from '../../../contract/unit.js';

/** How a unit ended. */
export type UnitEnd =
  | { committed: BackupResult }
  | { givenUp: string }
  | { failed: { reason: string; code: ErrorCode; lies?: Lie[] | undefined } };

/**
 * Minutes before the next try of a failed unit whose error code has no rest of its own: first and
 * longest.
 */
const UNIT_REST = [1, 60] as const;

/**
 * How long a failed unit rests before its next try, in milliseconds. The rest doubles with each failure.
 */
export function restAfter(code: string, attempts: number): number {
  const rest = isErrorCode(code) ? entryOf(code).unitRest : undefined;
  const [first, longest] = rest ?? UNIT_REST;
  return Math.min(first * 2 ** (attempts - 1), longest) * 60_000;
}

export function isSameUnit(a: Target, b: Target): boolean {
  return targetKey(a) === targetKey(b);
}

/** Of epoch 0: a node that prunes has long lost it. */
export function isGenesis(target: Target): boolean {
  return spanOfTarget(target).last === 0n;
}
