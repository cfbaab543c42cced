import type { UnitCut } from '../../contract/unit.js';
import { UnitIncomplete } from '../../errors/backup-error.js';
import { type Receipt, voidReceipt } from '../../repository/receipt.js';
import { MOST_NAMED } from '../../repository/receipts-of-unit.js';
import type { Site } from '../../site/site.js';

interface FitTools {
  site: Site;
  unit: UnitCut;
}

/**
 * Chunks may each be proven and still not fit together. Then a node sent records from another place of
 * the tree than requested, or gave two different answers. Invalidates the receipts of such chunks, so
 * that they are requested again.
 */
export async function requireFit(
  { site, unit }: FitTools,
  receipts: readonly Receipt[],
  wrong: ReadonlySet<Receipt>,
): Promise<void> {
  const [first] = wrong;
  if (!first) return;
  const ranges = new Set<number>();
  for (const receipt of wrong) {
    await voidReceipt(site.storage, unit.folder, receipt);
    ranges.add(Number((BigInt(receipt.first) - BigInt(unit.first)) / BigInt(unit.rangeSize)));
  }
  throw new UnitIncomplete(
    `${wrong.size} of ${receipts.length} chunks of ${unit.folder}, first ${first.first}-${first.last}, are each proven but contradict each other: ` +
      'the node sent other records than those asked for, or gave two different chains; they are asked for again',
    [...ranges].sort((a, b) => a - b).slice(0, MOST_NAMED),
  );
}
