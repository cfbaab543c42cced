import { forEachAtOnce } from '../lib/at-once.js';
import { type UnitOf, rangeAt } from '../contract/unit.js';
import type { BackupStorage } from '../storage/storage.js';
import { UnitIncomplete } from '../errors/backup-error.js';
import { type Receipt, type ReceiptOf, readReceipt, stillChecksOut } from './receipt.js';

/** Receipts are small files. So many are read at once to hide the latency of the storage. */
const READS_IN_FLIGHT = 16;
/** Most ranges that one error names. The next commit finds the others. */
export const MOST_NAMED = 400;

/**
 * Returns the receipts of all chunks of a unit, in order and without a gap. The files may be days old, so it
 * checks again that they are what was proven. Calls `onRange` with the number of ranges read so far.
 * @throws UnitIncomplete with the ranges that miss a file or have a changed one
 */
export async function receiptsOfUnit<K extends Receipt['kind']>(
  storage: BackupStorage,
  unit: UnitOf<K>,
  onRange: (rangesRead: number) => void,
): Promise<ReceiptOf<K>[]> {
  const byRange: ReceiptOf<K>[][] = [];
  const broken: { range: number; why: string }[] = [];
  let read = 0;
  await forEachAtOnce(READS_IN_FLIGHT, [...Array(unit.rangeCount).keys()], async (index) => {
    const receipts = await receiptsOfRange<K>(storage, unit, index);
    if (typeof receipts === 'string') broken.push({ range: index, why: receipts });
    else byRange[index] = receipts;
    read += 1;
    onRange(read);
  });
  const [first] = broken.sort((a, b) => a.range - b.range);
  if (!first) return byRange.flat();
  throw new UnitIncomplete(
    `${unit.folder} in ${storage.description}: ${broken.length} range(s) must be stored again, first: ${first.why}`,
    broken.slice(0, MOST_NAMED).map(({ range }) => range),
  );
}

/** The receipts of one range, in order; or a text that says what is wrong with them. */
async function receiptsOfRange<K extends Receipt['kind']>(
  storage: BackupStorage,
  unit: UnitOf<K>,
  index: number,
): Promise<ReceiptOf<K>[] | string> {
  const { first, last } = rangeAt(unit, index);
  const receipts: ReceiptOf<K>[] = [];
  let next = BigInt(first);
  while (next <= BigInt(last)) {
    const receipt = await readReceipt(storage, unit.folder, next);
    if (!receipt || !isOfKind<K>(receipt, unit.kind) || BigInt(receipt.last) > BigInt(last)) {
      return `no chunk that starts at ${next} has a sound receipt`;
    }
    if (!(await stillChecksOut(storage, unit.folder, receipt))) {
      return `${receipt.chunk.name} or its proof is no longer what was proven`;
    }
    receipts.push(receipt);
    next = BigInt(receipt.last) + 1n;
  }
  return receipts;
}

function isOfKind<K extends Receipt['kind']>(receipt: Receipt, kind: K): receipt is ReceiptOf<K> {
  return receipt.kind === kind;
}
