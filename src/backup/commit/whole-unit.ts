import type { Target } from '../../contract/job.js';
import type { UnitCut } from '../../contract/unit.js';
import { BackupError } from '../../errors/backup-error.js';
import { claimOfTarget } from '../../repository/overlap.js';
import type { Receipt } from '../../repository/receipt.js';

/**
 * Checks that receipts cover all that was asked for, so that nothing shorter is committed. The receipts must be in
 * order and without a gap.
 * @throws BackupError STORED_DAMAGED
 */
export function requireWhole(target: Target, unit: UnitCut, receipts: readonly Receipt[]): void {
  const stored = span(receipts[0]?.first, receipts.at(-1)?.last);
  const end = BigInt(unit.first) + BigInt(unit.records);
  const planned = unit.records === '0' ? span() : span(unit.first, `${end - 1n}`);
  const wanted = claimOfTarget(target);
  const asked = wanted ? span(wanted.first, wanted.last) : planned; // only the plan knows the size of a state
  if (stored === planned && stored === asked) return;
  throw new BackupError(
    'STORED_DAMAGED',
    `the ranges of ${unit.folder} hold ${stored}, its plan says ${planned}, and the request ${asked}: the plan is damaged, and nothing is committed`,
  );
}

function span(first?: bigint | string, last?: bigint | string): string {
  return first === undefined || last === undefined ? 'nothing' : `records ${first} to ${last}`;
}
