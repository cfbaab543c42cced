import { forEachAtOnce } from '../at-once.js';
import { type Unit, rangeAt } from '../plan/unit.js';
import type { BackupStorage } from '../storage/storage.js';
import { UnitIncomplete } from './errors.js';
import { type Receipt, readReceipt, stillChecksOut } from './receipt.js';

/** Receipts are small objects read one by one: enough of them in flight to hide a store's latency. */
const READS_IN_FLIGHT = 16;
/** What is named of ranges that have to be stored again; further ones are found the next time. */
export const MOST_NAMED = 400;

/**
 * The receipts of all chunks of a unit, in order and without a gap. What they name was proven and
 * published a while ago, maybe days: it is looked at once more.
 * @throws UnitIncomplete with the ranges of which something is missing or changed
 */
export async function receiptsOfUnit(
  storage: BackupStorage,
  unit: Unit,
  onRange: (rangesRead: number) => void,
  signal: AbortSignal,
): Promise<Receipt[]> {
  const byRange: Receipt[][] = [];
  const broken: { range: number; why: string }[] = [];
  let read = 0;
  await forEachAtOnce(READS_IN_FLIGHT, [...Array(unit.rangeCount).keys()], async (index) => {
    const receipts = await receiptsOfRange(storage, unit, index, signal);
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

/** The receipts of one range, in order; or what is wrong with them. */
async function receiptsOfRange(
  storage: BackupStorage,
  unit: Unit,
  index: number,
  signal: AbortSignal,
): Promise<Receipt[] | string> {
  const { first, last } = rangeAt(unit, index);
  const receipts: Receipt[] = [];
  let next = BigInt(first);
  while (next <= BigInt(last)) {
    const receipt = await readReceipt(storage, unit.folder, next, signal);
    if (!receipt || BigInt(receipt.last) > BigInt(last)) {
      return `no chunk that starts at ${next} has a sound receipt`;
    }
    if (!(await stillChecksOut(storage, unit.folder, receipt, signal))) {
      return `${receipt.chunk.name} or its proof is no longer what was proven`;
    }
    receipts.push(receipt);
    next = BigInt(receipt.last) + 1n;
  }
  return receipts;
}
