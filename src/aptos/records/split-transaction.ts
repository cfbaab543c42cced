import {
  type TransactionInfoSlots,
  skipPersistedAuxiliaryInfo,
  skipTransactionInfo,
} from '../bcs/skip-transaction-info.js';
import { skipContractEvents, skipWriteSet } from '../bcs/skip-state.js';
import { skipTransaction } from '../bcs/skip-transaction.js';
import { AptosDataError } from '../errors.js';
import { hash } from '../hash/seeds.js';
import { equalBytes } from '../hex.js';

export type RecordFormat = 'V0' | 'V1';

/** Larger records are not searched for the end of an unknown transaction: it takes their square. */
const MAX_SEARCHED_BYTES = 1024 * 1024;

/** Where the parts of a transaction record lie; each ends where the next begins. */
export interface TransactionParts extends TransactionInfoSlots {
  transaction: number;
  /** Empty in format V0. */
  auxiliary: number;
  info: number;
  events: number;
  writeSet: number;
  end: number;
}

export function emptyParts(): TransactionParts {
  return {
    transaction: 0,
    auxiliary: 0,
    info: 0,
    events: 0,
    writeSet: 0,
    end: 0,
    transactionHash: 0,
    auxiliaryInfoHash: -1,
  };
}

/**
 * Finds the parts of the record at [start, end) (docs/formats.md, Records), without building any.
 * A transaction of a variant newer than this code is delimited by the hashes in its own record.
 * @throws AptosDataError BCS_INVALID, UNSUPPORTED
 */
export function splitTransaction(
  buf: Uint8Array,
  start: number,
  end: number,
  format: RecordFormat,
  parts: TransactionParts,
): void {
  let auxiliary: number;
  try {
    auxiliary = skipTransaction(buf, start, end);
  } catch (error) {
    if (!(error instanceof AptosDataError)) throw error;
    if (findTransactionEnd(buf, start, end, format, parts)) return;
    throw error;
  }
  splitRest(buf, start, auxiliary, end, format, parts);
}

function splitRest(
  buf: Uint8Array,
  start: number,
  auxiliary: number,
  end: number,
  format: RecordFormat,
  parts: TransactionParts,
): void {
  parts.transaction = start;
  parts.auxiliary = auxiliary;
  parts.info = format === 'V1' ? skipPersistedAuxiliaryInfo(buf, auxiliary, end) : auxiliary;
  parts.events = skipTransactionInfo(buf, parts.info, end, parts);
  parts.writeSet = skipContractEvents(buf, parts.events, end);
  parts.end = skipWriteSet(buf, parts.writeSet, end);
  if (parts.end !== end) {
    throw new AptosDataError('BCS_INVALID', `${end - parts.end} bytes are left over`);
  }
}

/**
 * The only place where the rest parses to the last byte and the transaction before it has the hash
 * that its info says. Nearly all places fail within a few bytes.
 */
function findTransactionEnd(
  buf: Uint8Array,
  start: number,
  end: number,
  format: RecordFormat,
  parts: TransactionParts,
): boolean {
  if (end - start > MAX_SEARCHED_BYTES) return false;
  // So many errors are thrown here that their stack traces would take most of the time.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    for (let at = start + 1; at < end; at += 1) {
      if (mayBeInfo(buf, at, format) && isEnd(buf, start, at, end, format, parts)) return true;
    }
    return false;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** A cheap look at the variants of auxiliary info, transaction info and status. */
function mayBeInfo(buf: Uint8Array, at: number, format: RecordFormat): boolean {
  let info = at;
  if (format === 'V1') {
    if (buf[at]! > 2) return false;
    info += buf[at] === 0 ? 1 : 5;
  }
  return buf[info]! <= 1 && buf[info + 9]! <= 4;
}

function isEnd(
  buf: Uint8Array,
  start: number,
  at: number,
  end: number,
  format: RecordFormat,
  parts: TransactionParts,
): boolean {
  try {
    splitRest(buf, start, at, end, format, parts);
  } catch (error) {
    if (error instanceof AptosDataError) return false;
    throw error;
  }
  const claimed = buf.subarray(parts.transactionHash, parts.transactionHash + 32);
  return equalBytes(hash('Transaction', buf.subarray(start, at)), claimed);
}

/**
 * The format of a record: the one in which it splits exactly and its transaction has the hash that
 * its info says. @throws AptosDataError the reason why it does not split, or TRANSACTION_HASH_MISMATCH
 */
export function detectFormat(buf: Uint8Array, start: number, end: number): RecordFormat {
  let reason: unknown;
  for (const format of ['V1', 'V0'] as const) {
    const parts = emptyParts();
    try {
      splitTransaction(buf, start, end, format, parts);
    } catch (error) {
      if (!(error instanceof AptosDataError)) throw error;
      reason ??= error;
      continue;
    }
    const claimed = buf.subarray(parts.transactionHash, parts.transactionHash + 32);
    const actual = hash('Transaction', buf.subarray(parts.transaction, parts.auxiliary));
    if (equalBytes(actual, claimed)) return format;
    reason = new AptosDataError(
      'TRANSACTION_HASH_MISMATCH',
      'the transaction does not have the hash that its transaction info says',
    );
  }
  throw reason;
}
