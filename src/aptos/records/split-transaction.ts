import {
  type TransactionInfoSlots,
  skipPersistedAuxiliaryInfo,
  skipTransactionInfo,
} from '../bcs/skip-transaction-info.js';
import { skipContractEvents } from '../bcs/skip-state.js';
import { skipTransaction } from '../bcs/skip-transaction.js';
import { AptosDataError } from '../data-error.js';
import { hash } from '../hash/seeds.js';
import { equalBytes } from '../hex.js';
import { proveByHashes } from './by-hashes.js';

export type RecordFormat = 'V0' | 'V1';

/** Where the parts of a transaction record begin. Each part ends where the next one begins. */
export interface TransactionParts extends TransactionInfoSlots {
  transaction: number;
  /** The auxiliary info; empty in format V0. */
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
 * Finds the parts of the record at [start, end) and fills `parts` (docs/formats.md, Records). Does not read the write
 * set: it is the rest of the record, and its hash shows whether it is right.
 * @throws AptosDataError BCS_INVALID, UNSUPPORTED; then `proveByHashes` may still prove the record
 */
export function splitTransaction(
  buf: Uint8Array,
  start: number,
  end: number,
  format: RecordFormat,
  parts: TransactionParts,
): void {
  parts.transaction = start;
  parts.auxiliary = skipTransaction(buf, start, end);
  parts.info =
    format === 'V1' ? skipPersistedAuxiliaryInfo(buf, parts.auxiliary, end) : parts.auxiliary;
  parts.events = skipTransactionInfo(buf, parts.info, end, parts);
  parts.writeSet = skipContractEvents(buf, parts.events, end);
  parts.end = end;
}

/** The bytes of the transaction info in a record. @throws AptosDataError BCS_INVALID, UNSUPPORTED */
export function transactionInfoIn(record: Uint8Array, format: RecordFormat): Uint8Array {
  const parts = emptyParts();
  splitTransaction(record, 0, record.length, format, parts);
  return record.slice(parts.info, parts.events);
}

/**
 * The format of a record: the one in which its parts can be found and its transaction has the hash that the info
 * says (docs/formats.md, Records). @throws AptosDataError when neither format fits
 */
export function detectFormat(buf: Uint8Array, start: number, end: number): RecordFormat {
  const parts = emptyParts();
  for (const format of ['V1', 'V0'] as const) {
    try {
      splitTransaction(buf, start, end, format, parts);
    } catch (error) {
      if (!(error instanceof AptosDataError)) throw error;
      continue;
    }
    const claimed = buf.subarray(parts.transactionHash, parts.transactionHash + 32);
    const actual = hash('Transaction', buf.subarray(parts.transaction, parts.auxiliary));
    if (equalBytes(actual, claimed)) return format;
  }
  return proveByHashes(buf.slice(start, end)).format;
}
