import type { Target } from '../plan/job.js';
import type { Unit } from '../plan/unit.js';
import { BackupError } from './errors.js';
import type { Receipt } from './receipt.js';

/**
 * Checks that receipts in order and without a gap are those of all that was asked for: nothing
 * shorter is committed, however the unit was cut into ranges.
 * @throws BackupError STORED_DAMAGED
 */
export function requireWhole(target: Target, unit: Unit, receipts: readonly Receipt[]): void {
  const stored = span(receipts[0]?.first, receipts.at(-1)?.last);
  const end = BigInt(unit.first) + BigInt(unit.records);
  const planned = unit.records === '0' ? span() : span(unit.first, `${end - 1n}`);
  const asked = target.type === 'state_snapshot' ? planned : span(target.first, target.last);
  if (stored === planned && stored === asked) return;
  throw new BackupError(
    'STORED_DAMAGED',
    `the ranges of ${unit.folder} hold ${stored}; planned is ${planned}, asked for ${asked}: its plan is damaged, and nothing is committed`,
    false,
  );
}

function span(first?: string, last?: string): string {
  return first === undefined || last === undefined ? 'nothing' : `records ${first} to ${last}`;
}
