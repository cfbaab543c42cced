import { skipPersistedAuxiliaryInfo } from '../bcs/skip-transaction-info.js';
import { ENCRYPTED_PAYLOAD, skipTransaction } from '../bcs/skip-transaction.js';
import { AptosDataError, UnknownForm } from '../data-error.js';
import { hash } from '../hash/seeds.js';
import { checkEvents } from './find-events.js';
import {
  type FoundInfo,
  PrefixHash,
  infosOf,
  findTransaction,
  plausibleInfos,
} from './find-info.js';
import { readUnknownInfo } from './unknown-info.js';

/** Largest record (bytes) in which every possible end of the transaction is tried: the time grows with its square. */
const MOST_SEARCHED = 16 * 1024;

/** What the hashes in one record prove about it. */
export interface ProvenByHashes {
  format: 'V0' | 'V1';
  /** The hash of its transaction info. The caller checks by the range proof that it is a leaf of the accumulator. */
  leaf: Uint8Array;
  /** The unknown form because of which the record is not proven; everything that can be checked is right. */
  unproven: UnknownForm | undefined;
}

/**
 * Proves a transaction record with a part that this code cannot read, because its form is newer. The hashes in the
 * transaction info show where the parts end (docs/formats.md, Forms that are not known). This takes milliseconds,
 * while a record of known form takes microseconds. With `thorough` it may take a second: then it also looks whether
 * a record that cannot be proven has one damaged byte.
 * @throws UnknownForm when the transaction info cannot be found; another AptosDataError when the record is damaged
 */
export function proveByHashes(bytes: Uint8Array, thorough = true): ProvenByHashes {
  const record = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  // The search throws and catches very many errors. Their stack traces would take most of the time.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return prove(record, thorough);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function prove(record: Buffer, thorough: boolean): ProvenByHashes {
  const transaction = readTransaction(record);
  const found = findParts(record, transaction);
  if (!found) throw reasonOf(transaction);
  const { info, auxiliary } = found;
  const unprovenEvents = checkEvents(record, info, thorough);
  const unprovenAuxiliary =
    auxiliary === undefined
      ? undefined
      : checkAuxiliary(record.subarray(auxiliary, info.start), info);
  return {
    format: auxiliary === info.start ? 'V0' : 'V1',
    leaf: hash('TransactionInfo', record.subarray(info.start, info.end)),
    unproven: found.unproven ?? unprovenAuxiliary ?? unprovenEvents,
  };
}

/** The end of the transaction in a record, or why it cannot be read. */
interface ReadTransaction {
  end?: number;
  problem?: AptosDataError;
}

function readTransaction(record: Buffer): ReadTransaction {
  try {
    return { end: skipTransaction(record, 0, record.length) };
  } catch (error) {
    if (error instanceof AptosDataError) return { problem: error };
    throw error;
  }
}

interface FoundParts {
  info: FoundInfo;
  /** Where the transaction ends and the auxiliary info begins; undefined when that cannot be found. */
  auxiliary: number | undefined;
  unproven?: UnknownForm | undefined;
}

/** Finds the transaction info by the hash of the transaction, or else by the hashes of events and write set. */
function findParts(record: Buffer, transaction: ReadTransaction): FoundParts | undefined {
  for (const format of ['V1', 'V0'] as const) {
    const found = findTransaction(record, format);
    if (found) return { info: found.info, auxiliary: found.transactionEnd };
  }
  const { problem, end } = transaction;
  if (end !== undefined) return findUnknownInfo(record, end);
  const info = findInfoByTail(record);
  if (!info) {
    const committed = committedEnd(record);
    return committed === undefined ? undefined : findUnknownInfo(record, committed);
  }
  const transactionEnd = endByHash(record, info);
  if (transactionEnd !== undefined) return { info, auxiliary: transactionEnd };
  const isEncrypted =
    problem instanceof UnknownForm &&
    problem.what === ENCRYPTED_PAYLOAD &&
    !isOtherPayload(record, info, problem.at);
  return isEncrypted ? { info, auxiliary: undefined, unproven: problem } : undefined;
}

/** Finds the info behind a transaction that ends at `end`, when the info or the auxiliary info has an unknown form. */
function findUnknownInfo(record: Buffer, end: number): FoundParts | undefined {
  const transactionHash = Buffer.from(hash('Transaction', record.subarray(0, end)));
  if (!isAuxiliaryKnown(record, end)) {
    const infos = [...infosOf(record, end, transactionHash)];
    const info = infos.find((one) => isAuxiliary(record.subarray(end, one.start), one)) ?? infos[0];
    if (info) return { info, auxiliary: end };
  }
  const found = readUnknownInfo(record, end, transactionHash);
  return found && { ...found, auxiliary: end };
}

function isAuxiliaryKnown(record: Buffer, at: number): boolean {
  try {
    return skipPersistedAuxiliaryInfo(record, at, record.length) <= record.length;
  } catch (error) {
    if (error instanceof UnknownForm) return false;
    throw error;
  }
}

function isAuxiliary(auxiliary: Buffer, info: FoundInfo): boolean {
  try {
    checkAuxiliary(auxiliary, info);
    return true;
  } catch (error) {
    if (error instanceof AptosDataError) return false;
    throw error;
  }
}

/** The end of a transaction of unknown form: the first place behind which the hash of all bytes before it stands. */
function committedEnd(record: Buffer): number | undefined {
  if (record.length > MOST_SEARCHED) return undefined;
  const prefix = new PrefixHash(record);
  for (let end = 1; end < record.length; end += 1) {
    if (record.includes(prefix.at(end), end)) return end;
  }
  return undefined;
}

/** Whether the transaction has the right hash with another payload variant at `at`: then that byte is damaged. */
function isOtherPayload(record: Buffer, info: FoundInfo, at: number): boolean {
  const other = Buffer.from(record.subarray(0, info.start));
  for (let variant = 0; variant < 5; variant += 1) {
    other[at] = variant;
    const read = readTransaction(other);
    if (read.end === undefined) continue;
    if (info.transactionHash.equals(hash('Transaction', other.subarray(0, read.end)))) return true;
  }
  return false;
}

/** The info whose event root and write set hash fit all bytes behind it. */
function findInfoByTail(record: Buffer): FoundInfo | undefined {
  for (const info of plausibleInfos(record)) {
    try {
      if (checkEvents(record, info) === undefined) return info;
    } catch (error) {
      if (!(error instanceof AptosDataError)) throw error;
    }
  }
  return undefined;
}

/** The end of the transaction of this info, by its hash. Between the two lies auxiliary info of unknown form. */
function endByHash(record: Buffer, info: FoundInfo): number | undefined {
  const prefix = new PrefixHash(record);
  for (let end = 1; end < info.start; end += 1) {
    if (prefix.at(end).equals(info.transactionHash)) return end;
  }
  return undefined;
}

/**
 * Checks the auxiliary info. It must have the hash that the transaction info says. An info without such a hash fits
 * only to the known forms that the chain does not hash; then an unknown form is returned as not proven.
 */
function checkAuxiliary(auxiliary: Buffer, info: FoundInfo): UnknownForm | undefined {
  const committed = info.auxiliaryInfoHash;
  if (committed) {
    if (auxiliary.length > 0 && committed.equals(hash('PersistedAuxiliaryInfo', auxiliary))) {
      return undefined;
    }
    throw wrongAuxiliary('it has not the hash that its transaction info says');
  }
  if (auxiliary.length === 0) return undefined;
  try {
    if (skipPersistedAuxiliaryInfo(auxiliary, 0, auxiliary.length) !== auxiliary.length) {
      throw wrongAuxiliary('bytes are left over');
    }
  } catch (error) {
    if (error instanceof UnknownForm) return error;
    throw error;
  }
  if (auxiliary[0] === 1) throw wrongAuxiliary('its transaction info has no hash of it');
  return undefined;
}

function wrongAuxiliary(why: string): AptosDataError {
  return new AptosDataError('AUXILIARY_INFO_MISMATCH', `the auxiliary info: ${why}`);
}

/** The error for a record in which no transaction info was found. */
function reasonOf({ problem }: ReadTransaction): AptosDataError {
  if (!problem) {
    return new AptosDataError(
      'TRANSACTION_HASH_MISMATCH',
      'nothing in it has the hash of its transaction',
    );
  }
  if (!(problem instanceof UnknownForm)) return problem;
  return new AptosDataError(
    'RECORD_INVALID',
    `${problem.form}, and no end of the transaction has the hash that its info says; it is damaged, or newer than this version`,
    { cause: problem },
  );
}
