import { createHash } from 'node:crypto';
import { type TransactionInfoSlots, skipTransactionInfo } from '../bcs/skip-transaction-info.js';
import { AptosDataError } from '../data-error.js';
import { ACCUMULATOR_PLACEHOLDER, seed } from '../hash/seeds.js';

/** A transaction info inside a record: its position and its hashes. */
export interface FoundInfo {
  start: number;
  end: number;
  transactionHash: Buffer;
  eventRoot: Buffer;
  writeSetHash: Buffer;
  auxiliaryInfoHash: Buffer | undefined;
}

/** The end of a transaction, and its info. Between the two lies the auxiliary info, in format V1. */
export interface FoundTransaction {
  transactionEnd: number;
  info: FoundInfo;
}

/** Most places in a record that are tried as an info. No honest record has so many. Each takes microseconds. */
const MOST_CANDIDATES = 300_000;

/** The info at `start`; undefined when no info of a known form can be read there. */
export function infoAt(record: Buffer, start: number): FoundInfo | undefined {
  const slots: TransactionInfoSlots = { transactionHash: 0, auxiliaryInfoHash: -1 };
  try {
    return foundInfo(
      record,
      start,
      skipTransactionInfo(record, start, record.length, slots),
      slots,
    );
  } catch (error) {
    if (error instanceof AptosDataError) return undefined;
    throw error;
  }
}

export function foundInfo(
  record: Buffer,
  start: number,
  end: number,
  { transactionHash: at, auxiliaryInfoHash: auxiliary }: TransactionInfoSlots,
): FoundInfo {
  return {
    start,
    end,
    transactionHash: record.subarray(at, at + 32),
    eventRoot: record.subarray(at + 32, at + 64),
    writeSetHash: record.subarray(at + 64, at + 96),
    auxiliaryInfoHash: auxiliary === -1 ? undefined : record.subarray(auxiliary, auxiliary + 32),
  };
}

/**
 * Finds the end of a transaction of any form. Behind it, auxiliary info (in format V1) and an info can be read, and
 * the bytes before it have the hash that this info says.
 */
export function findTransaction(record: Buffer, format: 'V0' | 'V1'): FoundTransaction | undefined {
  const prefix = new PrefixHash(record);
  for (const start of candidates(record, 1)) {
    const before = format === 'V0' ? [start] : auxiliaryStarts(record, start);
    const info = before.length > 0 ? infoAt(record, start) : undefined;
    if (!info || !isPlausible(record, info)) continue;
    for (const transactionEnd of before) {
      if (prefix.at(transactionEnd).equals(info.transactionHash)) return { transactionEnd, info };
    }
  }
  return undefined;
}

/** Where an auxiliary info of a known form that ends at `end` may begin, in ascending order. */
function auxiliaryStarts(record: Buffer, end: number): number[] {
  const starts: number[] = [];
  if (end > 5 && (record[end - 5] === 1 || record[end - 5] === 2)) starts.push(end - 5);
  if (end > 1 && record[end - 1] === 0) starts.push(end - 1);
  return starts;
}

/** All infos behind `from` that say the transaction hash `hash`. Bytes of unknown form may lie before them. */
export function* infosOf(record: Buffer, from: number, hash: Buffer): Generator<FoundInfo> {
  if (!record.includes(hash, from)) return;
  for (const start of candidates(record, from + 1)) {
    const info = infoAt(record, start);
    if (info?.transactionHash.equals(hash)) yield info;
  }
}

/** All infos of a known form in the record, tried at every position. */
export function* plausibleInfos(record: Buffer): Generator<FoundInfo> {
  for (const start of candidates(record, 1)) {
    const info = infoAt(record, start);
    if (info && isPlausible(record, info)) yield info;
  }
}

/**
 * Positions where an info may begin, by a cheap test: the variants of info and status must be known. If the status
 * has no fields, the hashes are tested too, because runs of zeros look like an info. The number is limited, so that
 * no record takes too long.
 */
function* candidates(record: Buffer, from: number): Generator<number> {
  let count = 0;
  for (let at = from; at + 10 < record.length && count < MOST_CANDIDATES; at += 1) {
    const status = record[at + 9]!;
    if (record[at]! > 1 || status > 4) continue;
    if (status < 2 && !mayBeHashes(record, at + 10)) continue;
    count += 1;
    yield at;
  }
}

/** A hash has at least so many different bytes; only one in 10^20 has fewer. */
const LEAST_DIFFERENT = 12;
const seenAt = new Uint32Array(256);
let look = 0;

/** Whether three hashes (of transaction, events and write set) may lie at `at`. */
function mayBeHashes(record: Buffer, at: number): boolean {
  return [at, at + 32, at + 64].every((start) => mayBeHash(record, start));
}

/** Whether the 32 bytes at `at` may be a hash: enough of them are different. */
function mayBeHash(record: Buffer, at: number): boolean {
  look = (look + 1) >>> 0;
  let different = 0;
  for (let i = at; i < at + 32 && i < record.length; i += 1) {
    const byte = record[i]!;
    if (seenAt[byte] === look) continue;
    seenAt[byte] = look;
    different += 1;
    if (different === LEAST_DIFFERENT) return true;
  }
  return false;
}

/**
 * Whether an info is more than a run of equal bytes: transaction hash and event root differ, and a record without
 * events has the root of an empty accumulator.
 */
function isPlausible(record: Buffer, { end, eventRoot, transactionHash }: FoundInfo): boolean {
  if (transactionHash.equals(eventRoot)) return false;
  return record[end] !== 0 || eventRoot.equals(ACCUMULATOR_PLACEHOLDER);
}

/** How many bytes below the last length the next one may be. */
const BACK = 64;

/** Hashes of the first bytes of a record as a transaction. Lengths must be asked for in almost ascending order. */
export class PrefixHash {
  private readonly state = createHash('sha3-256').update(seed('Transaction'));
  private length = 0;

  constructor(private readonly record: Buffer) {}

  at(length: number): Buffer {
    if (length - this.length > 4 * BACK) {
      this.state.update(this.record.subarray(this.length, length - BACK));
      this.length = length - BACK;
    }
    return this.state.copy().update(this.record.subarray(this.length, length)).digest();
  }
}
