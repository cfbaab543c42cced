import { type Span, unionOf } from '../lib/spans.js';
import { type RestoreSource, chainsOf, firstDamaged, selectable, unusable } from './restorable.js';

/**
 * All versions to which the stock tool can restore, sorted. It takes the newest snapshot at or below the version, and
 * the transactions behind it, and fails when that snapshot cannot be used, even if an older one can.
 */
export function restorableVersions(source: RestoreSource): Span[] {
  const { epochs, transactions, target } = chainsOf(source);
  if (source.unreadable !== undefined || epochs.last < 0n || transactions.last < 0n) return [];
  const points = selectable(source.snapshots);
  // Thousands of snapshots ask for them, and there may be a million backups.
  const damaged = source.transactions.filter((run) => run.damaged);
  return unionOf(
    points.flatMap((point, i) => {
      const next = points[i + 1];
      const upTo = next && next.version <= target ? next.version - 1n : target;
      if (point.version > upTo || unusable(point, epochs.last) !== undefined) return [];
      const hurt = firstDamaged(damaged, point.version, upTo);
      const last = hurt ? hurt.first - 1n : upTo;
      return last < point.version ? [] : [{ first: point.version, last }];
    }),
  );
}
