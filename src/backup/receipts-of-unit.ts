import { type Unit, rangeAt } from '../plan/unit.js';
import type { BackupStorage } from '../storage/storage.js';
import { BackupError } from './errors.js';
import { type Receipt, readReceipt } from './receipt.js';

/** Receipts are small objects read one by one: enough of them in flight to hide a store's latency. */
const READS_IN_FLIGHT = 16;

/**
 * The receipts of all chunks of a unit, in order and without a gap.
 * @throws BackupError UNIT_INCOMPLETE naming the first record that no chunk holds
 */
export async function receiptsOfUnit(
  storage: BackupStorage,
  unit: Unit,
  onRange: (rangesRead: number) => void,
  signal: AbortSignal,
): Promise<Receipt[]> {
  const byRange: Receipt[][] = [];
  let next = 0;
  let read = 0;
  const reader = async () => {
    while (next < unit.rangeCount) {
      const index = next;
      next += 1;
      byRange[index] = await receiptsOfRange(storage, unit, index, signal);
      read += 1;
      onRange(read);
    }
  };
  await Promise.all(Array.from({ length: READS_IN_FLIGHT }, reader));
  return byRange.flat();
}

async function receiptsOfRange(
  storage: BackupStorage,
  unit: Unit,
  index: number,
  signal: AbortSignal,
): Promise<Receipt[]> {
  const { first, last } = rangeAt(unit, index);
  const receipts: Receipt[] = [];
  let next = BigInt(first);
  while (next <= BigInt(last)) {
    const receipt = await readReceipt(storage, unit.folder, next, signal);
    if (!receipt || BigInt(receipt.last) > BigInt(last)) {
      throw new BackupError(
        'UNIT_INCOMPLETE',
        `${unit.folder} in ${storage.description} has no chunk that starts at ${next}; run the backup again`,
        false,
      );
    }
    receipts.push(receipt);
    next = BigInt(receipt.last) + 1n;
  }
  return receipts;
}
