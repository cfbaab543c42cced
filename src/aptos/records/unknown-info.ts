import {
  type TransactionInfoSlots,
  skipInfoHashes,
  skipPersistedAuxiliaryInfo,
  skipTransactionInfo,
} from '../bcs/skip-transaction-info.js';
import { AptosDataError, UnknownForm } from '../data-error.js';
import { checkEvents } from './find-events.js';
import { type FoundInfo, foundInfo } from './find-info.js';

/** A transaction info of unknown form, found by the transaction hash in it. */
export interface UnknownInfo {
  info: FoundInfo;
  /** The unknown form because of which the record is not proven; undefined when it is proven all the same. */
  unproven: UnknownForm | undefined;
}

/** Bytes before the hashes of an info, at least: variant, gas used and the shortest status. */
const SHORTEST_HEAD = 10;

/**
 * Finds the info of a transaction that ends at `end`, when the info or its status has an unknown form. The hash of
 * the transaction must stand behind it, which shows that the record is honest. Returns undefined when the hash is not
 * there, or when nothing is unknown.
 * @throws UnknownForm when the hash is there, but the end of the info cannot be found
 */
export function readUnknownInfo(
  record: Buffer,
  end: number,
  transactionHash: Buffer,
): UnknownInfo | undefined {
  const at = record.indexOf(transactionHash, end);
  if (at === -1) return undefined;
  const isV0 = at - end === SHORTEST_HEAD;
  const start = isV0 ? end : skipPersistedAuxiliaryInfo(record, end, record.length);
  const cause = unknownForm(record, start);
  if (!cause) return undefined;
  const own = record[start]!;
  for (const variant of own <= 1 ? [own] : [1, 0]) {
    const info = guess(record, start, at, variant);
    if (info) return { info, unproven: own <= 1 && isCertain(info, at) ? undefined : cause };
  }
  throw cause;
}

function unknownForm(record: Buffer, start: number): UnknownForm | undefined {
  const slots: TransactionInfoSlots = { transactionHash: 0, auxiliaryInfoHash: -1 };
  try {
    skipTransactionInfo(record, start, record.length, slots);
  } catch (error) {
    if (error instanceof UnknownForm) return error;
    if (!(error instanceof AptosDataError)) throw error;
  }
  return undefined;
}

/** The info, if its hashes lie as in the known `variant` and fit the events and the write set behind it. */
function guess(record: Buffer, start: number, at: number, variant: number): FoundInfo | undefined {
  const slots: TransactionInfoSlots = { transactionHash: at, auxiliaryInfoHash: -1 };
  try {
    const end = skipInfoHashes(record, at, record.length, variant, slots);
    const info = foundInfo(record, start, end, slots);
    checkEvents(record, info);
    return info;
  } catch (error) {
    if (error instanceof AptosDataError) return undefined;
    throw error;
  }
}

/**
 * Whether the hashes of an info with an unknown status really lie at `at`. A forger could put wrong hashes into the
 * status; then the true hashes would lie behind the wrong ones. There is no room for that when fewer than 96 bytes
 * of the info follow.
 */
function isCertain({ end }: FoundInfo, at: number): boolean {
  return end - (at + 96) < 96;
}
