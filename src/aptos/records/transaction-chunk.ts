import { RangeAccumulator, type RangeFrontiers } from '../accumulator/range-accumulator.js';
import { skipContractEvent } from '../bcs/skip-state.js';
import { skipLength } from '../bcs/skip.js';
import type { TransactionRangeProof } from '../chain/proofs.js';
import { AptosDataError, type AptosErrorCode } from '../errors.js';
import type { BatchHasher } from '../hash/batch-hasher.js';
import { toHex } from '../hex.js';
import { eventRoots } from './event-roots.js';
import type { RecordBlock } from './framing.js';
import {
  type RecordFormat,
  type TransactionParts,
  detectFormat,
  emptyParts,
  splitTransaction,
} from './split-transaction.js';

/** Records that are hashed together; bounds the working memory whatever a block holds. */
const BATCH_RECORDS = 2048;

/**
 * Checks a chunk of transactions while its records arrive: transaction, events, write set and
 * auxiliary info of each against its transaction info, and all infos against one range proof
 * (docs/formats.md, Records). All hashing is done in batches over many records.
 */
export class TransactionChunkVerifier {
  count = 0;
  private detected: RecordFormat | undefined;
  private readonly infos: RangeAccumulator;
  private readonly parts: TransactionParts[] = [];

  /** `format`: what every record must have; by default that of the first one. */
  constructor(
    private readonly hasher: BatchHasher,
    private readonly firstVersion: bigint,
    format?: RecordFormat,
  ) {
    this.detected = format;
    this.infos = new RangeAccumulator(hasher, firstVersion);
  }

  /** The format of all records so far. */
  get format(): RecordFormat {
    return this.detected ?? 'V1';
  }

  /** Adds records [from, to). @throws AptosDataError naming the version and what differs */
  add(block: RecordBlock, from: number, to: number): void {
    for (let at = from; at < to; at += BATCH_RECORDS) {
      this.addBatch(block, at, Math.min(at + BATCH_RECORDS, to));
    }
  }

  /**
   * Checks that the chunk is where the proof's ledger info says; its signatures are the caller's
   * matter. May be called again. @throws AptosDataError RANGE_PROOF_MISMATCH
   */
  prove(proof: TransactionRangeProof): RangeFrontiers {
    const last = this.firstVersion + BigInt(this.count) - 1n;
    const { version, executedStateId } = proof.ledgerInfo.ledgerInfo;
    if (last > version) {
      throw new AptosDataError(
        'RANGE_PROOF_MISMATCH',
        `the proof's ledger info is of version ${version}, below the chunk's last version ${last}`,
      );
    }
    return this.infos.prove(executedStateId, proof.leftSiblings, proof.rightSiblings);
  }

  private addBatch(block: RecordBlock, from: number, to: number): void {
    const count = to - from;
    const { hasher } = this;
    this.splitRecords(block, from, count);

    const table = hasher.region('transaction table', count * 8);
    const transactions = hasher.region('transaction hashes', count * 32);
    const writeSets = hasher.region('write set hashes', count * 32);
    const infos = hasher.region('info hashes', count * 32);
    const auxiliaries = hasher.region('auxiliary hashes', count * 32);
    this.hashParts('Transaction', 'transaction', 'auxiliary', table, count, transactions);
    this.hashParts('WriteSet', 'writeSet', 'end', table, count, writeSets);
    this.hashParts('TransactionInfo', 'info', 'events', table, count, infos);
    if (this.detected === 'V1') {
      this.hashParts('PersistedAuxiliaryInfo', 'auxiliary', 'info', table, count, auxiliaries);
    }
    const roots = this.hashEvents(count);

    const { memory } = hasher;
    for (let i = 0; i < count; i += 1) {
      const parts = this.parts[i]!;
      const claimed = parts.transactionHash;
      this.expect(memory, transactions + i * 32, claimed, i, 'TRANSACTION_HASH_MISMATCH');
      this.expect(memory, roots[i]!, claimed + 32, i, 'EVENT_ROOT_MISMATCH');
      this.expect(memory, writeSets + i * 32, claimed + 64, i, 'WRITE_SET_HASH_MISMATCH');
      this.expectAuxiliary(memory, parts, auxiliaries + i * 32, i);
    }
    this.infos.add(infos, count);
    this.count += count;
  }

  private splitRecords(block: RecordBlock, from: number, count: number): void {
    const { memory } = this.hasher;
    for (let i = 0; i < count; i += 1) {
      const parts = (this.parts[i] ??= emptyParts());
      const start = block.base + block.start(from + i) + 4;
      const end = block.base + block.end(from + i);
      try {
        this.detected ??= detectFormat(memory, start, end);
        splitTransaction(memory, start, end, this.detected, parts);
      } catch (error) {
        if (!(error instanceof AptosDataError)) throw error;
        throw this.unreadable(memory.slice(start, end), i, error);
      }
    }
  }

  private hashParts(
    name: 'Transaction' | 'WriteSet' | 'TransactionInfo' | 'PersistedAuxiliaryInfo',
    begin: 'transaction' | 'auxiliary' | 'info' | 'writeSet',
    end: 'auxiliary' | 'info' | 'events' | 'end',
    table: number,
    count: number,
    out: number,
  ): void {
    const { words } = this.hasher;
    for (let i = 0; i < count; i += 1) {
      const parts = this.parts[i]!;
      words[(table >> 2) + 2 * i] = parts[begin];
      words[(table >> 2) + 2 * i + 1] = parts[end] - parts[begin];
    }
    this.hasher.hashSlices(name, table, count, out);
  }

  private hashEvents(count: number): Float64Array {
    const { hasher } = this;
    const starts = new Uint32Array(count + 1);
    const slices: number[] = [];
    for (let i = 0; i < count; i += 1) {
      const { events, writeSet } = this.parts[i]!;
      let at = skipLength(hasher.memory, events, writeSet);
      while (at < writeSet) {
        const next = skipContractEvent(hasher.memory, at, writeSet);
        slices.push(at, next - at);
        at = next;
      }
      starts[i + 1] = slices.length / 2;
    }
    const table = hasher.region('event table', slices.length * 4);
    const hashes = hasher.region('event hashes', slices.length * 16);
    hasher.words.set(slices, table >> 2);
    hasher.hashSlices('ContractEvent', table, slices.length / 2, hashes);
    return eventRoots(hasher, hashes, starts, count);
  }

  private expect(
    memory: Uint8Array,
    actual: number,
    claimed: number,
    i: number,
    code: AptosErrorCode,
  ): void {
    for (let k = 0; k < 32; k += 1) {
      if (memory[actual + k] === memory[claimed + k]) continue;
      const hex = (at: number) => toHex(memory.slice(at, at + 32));
      throw new AptosDataError(
        code,
        `version ${this.version(i)}: ${WHAT[code] ?? code} has hash ${hex(actual)}, its transaction info says ${hex(claimed)}`,
      );
    }
  }

  /** Docs/formats.md, Records: which auxiliary infos an info commits to. */
  private expectAuxiliary(
    memory: Uint8Array,
    parts: TransactionParts,
    actual: number,
    i: number,
  ): void {
    const committed = this.detected === 'V1' && memory[parts.auxiliary] === 1;
    if (committed && parts.auxiliaryInfoHash !== -1) {
      this.expect(memory, actual, parts.auxiliaryInfoHash, i, 'AUXILIARY_INFO_MISMATCH');
    } else if (committed || parts.auxiliaryInfoHash !== -1) {
      throw new AptosDataError(
        'AUXILIARY_INFO_MISMATCH',
        `version ${this.version(i)}: ${committed ? 'there is auxiliary info, but the transaction info has no hash of it' : 'the transaction info has a hash of auxiliary info that is not there'}`,
      );
    }
  }

  /** Why a record does not split, with offsets inside it; perhaps it has the other format. */
  private unreadable(record: Uint8Array, i: number, cause: AptosDataError): AptosDataError {
    const version = this.version(i);
    let why = cause;
    try {
      const actual = detectFormat(record, 0, record.length);
      return new AptosDataError(
        'RECORD_FORMAT_MIXED',
        `version ${version} has record format ${actual}, the versions before it ${this.detected}`,
      );
    } catch (error) {
      if (error instanceof AptosDataError) why = error;
    }
    const code = why.code === 'BCS_INVALID' ? 'RECORD_INVALID' : why.code;
    return new AptosDataError(code, `version ${version} cannot be read: ${why.message}`, {
      cause: why,
    });
  }

  private version(i: number): bigint {
    return this.firstVersion + BigInt(this.count + i);
  }
}

const WHAT: Partial<Record<AptosErrorCode, string>> = {
  TRANSACTION_HASH_MISMATCH: 'the transaction',
  EVENT_ROOT_MISMATCH: 'the list of events',
  WRITE_SET_HASH_MISMATCH: 'the write set',
  AUXILIARY_INFO_MISMATCH: 'the auxiliary info',
};
