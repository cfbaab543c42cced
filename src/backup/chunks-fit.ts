import { SPARSE_MERKLE_PLACEHOLDER } from '../aptos/hash/seeds.js';
import { toHex } from '../aptos/hex.js';
import type { Unit } from '../plan/unit.js';
import { BackupError, UnitIncomplete } from './errors.js';
import { type Receipt, voidReceipt } from './receipt.js';
import { MOST_NAMED } from './receipts-of-unit.js';
import type { Site } from './site.js';

interface FitTools {
  site: Site;
  unit: Unit;
  signal: AbortSignal;
}

/** First chunk under the root, each fitting to the one before, nothing right of the last. */
export async function requireWholeTree(
  tools: FitTools,
  receipts: readonly Receipt[],
): Promise<void> {
  const { rootHash } = tools.unit.snapshot!;
  const [first, last] = [receipts[0], receipts.at(-1)];
  if (!first || !last) {
    if (toHex(SPARSE_MERKLE_PLACEHOLDER) === rootHash) return;
    throw new BackupError(
      'FRONTIER_MISMATCH',
      `${tools.unit.folder} has no chunks, but the state under root ${rootHash} is not empty`,
      false,
    );
  }
  const wrong = misfits(receipts);
  if (first.root !== rootHash) wrong.add(first);
  if (last.rightmost !== true) wrong.add(last);
  await requireFit(tools, receipts, wrong);
}

/** Chunks of which one does not go on where the one before ended; it cannot be told which of the two is wrong. */
export function misfits(receipts: readonly Receipt[]): Set<Receipt> {
  const wrong = new Set<Receipt>();
  for (let i = 1; i < receipts.length; i += 1) {
    if (receipts[i - 1]!.out_frontier === receipts[i]!.in_frontier) continue;
    wrong.add(receipts[i - 1]!).add(receipts[i]!);
  }
  return wrong;
}

/**
 * Chunks that are each proven but do not fit together were sent from another place of the tree than was
 * asked for, or by a node that tells two stories. Their receipts are made void, so that they are asked for again.
 */
export async function requireFit(
  { site, unit, signal }: FitTools,
  receipts: readonly Receipt[],
  wrong: ReadonlySet<Receipt>,
): Promise<void> {
  const [first] = wrong;
  if (!first) return;
  const ranges = new Set<number>();
  for (const receipt of wrong) {
    await voidReceipt(site.storage, unit.folder, receipt, signal);
    ranges.add(Number((BigInt(receipt.first) - BigInt(unit.first)) / BigInt(unit.rangeSize)));
  }
  throw new UnitIncomplete(
    `${wrong.size} of ${receipts.length} chunks of ${unit.folder}, first ${first.first}-${first.last}, are each proven but do not fit together: ` +
      'the node sent other records than those asked for, or gave two different chains; they are asked for again',
    [...ranges].sort((a, b) => a - b).slice(0, MOST_NAMED),
  );
}
