import type { Receipt, StateReceipt, TransactionReceipt } from './receipt.js';

/**
 * Chunks that do not continue where the chunk before them ended. Nobody can tell which of the two is wrong, so both
 * are returned.
 */
export function misfits(receipts: readonly (StateReceipt | TransactionReceipt)[]): Set<Receipt> {
  const wrong = new Set<Receipt>();
  let before: StateReceipt | TransactionReceipt | undefined;
  for (const receipt of receipts) {
    if (before && before.out_frontier !== receipt.in_frontier) wrong.add(before).add(receipt);
    before = receipt;
  }
  return wrong;
}
