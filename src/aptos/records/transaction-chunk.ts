import { RangeAccumulator, type RangeFrontiers } from '../accumulator/range-accumulator.js';
import { skipContractEvent } from '../bcs/skip-state.js';
import { skipLength } from '../bcs/skip.js';
import type { TransactionRangeProof } from '../chain/proofs.js';
import { AptosDataError, type AptosErrorCode, UnknownForm } from '../data-error.js';
import type { BatchHasher } from '../hash/batch-hasher.js';
import { toHex } from '../hex.js';
import { type ProvenByHashes, proveByHashes } from './by-hashes.js';
import { eventRoots } from './event-roots.js';
import type { RecordBlock } from './framing.js';
import {
  type RecordFormat,
  type TransactionParts,
  detectFormat,
  emptyParts,
  splitTransaction,
} from './split-transaction.js';

/** How many records are hashed together. This limits the working memory, however many records a block has. */
const BATCH_RECORDS = 2048;

/**
 * Checks a chunk of transactions while its records arrive (docs/formats.md, Records). `add` checks the transaction,
 * events, write set and auxiliary info of each record against its transaction info; `prove` checks all infos against
 * one range proof. Hashing is done in batches over many records.
 */
export class TransactionChunkVerifier {
  count = 0;
  /**
   * Called with the leaves of the accumulator as they are found, in order: their address in the memory of the hasher,
   * valid during the call only, and their number. They are not proven yet.
   */
  onLeaves: ((address: number, count: number) => void) | undefined;
  private detected: RecordFormat | undefined;
  private readonly infos: RangeAccumulator;
  private readonly parts: TransactionParts[] = [];
  /** The error for the first record that cannot be proven because of an unknown form. */
  private unproven: AptosDataError | undefined;

  /**
   * `format`: the format that every record must have; by default that of the first record. `rootsAt`: versions of the
   * chunk, in ascending order, after which `prove` returns the root of the whole accumulator.
   */
  constructor(
    private readonly hasher: BatchHasher,
    private readonly firstVersion: bigint,
    format?: RecordFormat,
    private readonly rootsAt: readonly bigint[] = [],
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
   * Checks that the records are under the root in the ledger info of the proof. The caller must check the signatures
   * of that ledger info. Can be called several times.
   * @throws AptosDataError RANGE_PROOF_MISMATCH; UNSUPPORTED when the infos are proven, but a record is not because of
   * an unknown form
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
    const frontiers = this.infos.prove(executedStateId, proof.leftSiblings, proof.rightSiblings);
    if (this.unproven) throw this.unproven;
    return frontiers;
  }

  private addBatch(block: RecordBlock, from: number, to: number): void {
    const count = to - from;
    const { hasher } = this;
    const leaves = this.splitRecords(block, from, count);

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

    for (let i = 0; i < count; i += 1) {
      if (leaves.has(i)) continue;
      const mismatch = this.mismatch(i, {
        transaction: transactions + i * 32,
        eventRoot: roots[i]!,
        writeSet: writeSets + i * 32,
        auxiliary: auxiliaries + i * 32,
      });
      if (mismatch) leaves.set(i, this.proveAlone(block, from, i, mismatch));
    }
    for (const [i, leaf] of leaves) hasher.memory.set(leaf, infos + i * 32);
    this.addInfos(infos, count);
    this.count += count;
  }

  /** Adds the infos to the accumulator, and marks it at each version of `rootsAt`. */
  private addInfos(infos: number, count: number): void {
    this.onLeaves?.(infos, count);
    let done = 0;
    for (const version of this.rootsAt) {
      const upTo = Number(version - this.version(0)) + 1;
      if (upTo <= 0 || upTo > count) continue;
      this.infos.add(infos + done * 32, upTo - done);
      this.infos.mark();
      done = upTo;
    }
    this.infos.add(infos + done * 32, count - done);
  }

  /** Finds the parts of all records. Returns, by index, the leaves of records that only their hashes could prove. */
  private splitRecords(block: RecordBlock, from: number, count: number): Map<number, Uint8Array> {
    const { memory } = this.hasher;
    const leaves = new Map<number, Uint8Array>();
    for (let i = 0; i < count; i += 1) {
      const parts = (this.parts[i] ??= emptyParts());
      const start = block.base + block.start(from + i) + 4;
      const end = block.base + block.end(from + i);
      try {
        this.detected ??= detectFormat(memory, start, end);
        splitTransaction(memory, start, end, this.detected, parts);
      } catch (error) {
        if (!(error instanceof AptosDataError)) throw error;
        leaves.set(i, this.proveAlone(block, from, i));
        Object.assign(parts, emptyParts());
      }
    }
    return leaves;
  }

  /** Proves a record that cannot be split, or has a wrong part, by the hashes in it. Returns its leaf. */
  private proveAlone(
    block: RecordBlock,
    from: number,
    i: number,
    mismatch?: AptosDataError,
  ): Uint8Array {
    const record = block.bytes.slice(block.start(from + i) + 4, block.end(from + i));
    const version = this.version(i);
    let proven: ProvenByHashes;
    try {
      proven = proveByHashes(record, this.unproven === undefined);
    } catch (error) {
      if (!(error instanceof AptosDataError)) throw error;
      throw mismatch && !(error instanceof UnknownForm) ? mismatch : unreadable(version, error);
    }
    this.detected ??= proven.format;
    if (proven.format !== this.detected && !proven.unproven) {
      throw new AptosDataError(
        'RECORD_FORMAT_MIXED',
        `version ${version} has record format ${proven.format}, the versions before it ${this.detected}`,
      );
    }
    if (proven.unproven) this.unproven ??= unreadable(version, proven.unproven);
    return proven.leaf;
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
      let at = events < writeSet ? skipLength(hasher.memory, events, writeSet) : writeSet;
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

  /** The first difference between the hashes of a record's parts, at these addresses, and its info. */
  private mismatch(
    i: number,
    at: { transaction: number; eventRoot: number; writeSet: number; auxiliary: number },
  ): AptosDataError | undefined {
    const claimed = this.parts[i]!.transactionHash;
    return (
      this.differs(at.transaction, claimed, i, 'TRANSACTION_HASH_MISMATCH') ??
      this.differs(at.eventRoot, claimed + 32, i, 'EVENT_ROOT_MISMATCH') ??
      this.differs(at.writeSet, claimed + 64, i, 'WRITE_SET_HASH_MISMATCH') ??
      this.differentAuxiliary(at.auxiliary, i)
    );
  }

  private differs(
    actual: number,
    claimed: number,
    i: number,
    code: AptosErrorCode,
  ): AptosDataError | undefined {
    const { memory } = this.hasher;
    for (let k = 0; k < 32; k += 1) {
      if (memory[actual + k] === memory[claimed + k]) continue;
      const hex = (at: number) => toHex(memory.slice(at, at + 32));
      return new AptosDataError(
        code,
        `version ${this.version(i)}: ${WHAT[code] ?? code} has hash ${hex(actual)}, its transaction info says ${hex(claimed)}`,
      );
    }
    return undefined;
  }

  /** The same for the auxiliary info. docs/formats.md, Records, says when the info must have a hash of it. */
  private differentAuxiliary(actual: number, i: number): AptosDataError | undefined {
    const { auxiliary, auxiliaryInfoHash } = this.parts[i]!;
    const isV1 = this.detected === 'V1';
    if (isV1 && auxiliaryInfoHash !== -1) {
      return this.differs(actual, auxiliaryInfoHash, i, 'AUXILIARY_INFO_MISMATCH');
    }
    const isCommitted = isV1 && this.hasher.memory[auxiliary] === 1;
    if (!isCommitted && auxiliaryInfoHash === -1) return undefined;
    return new AptosDataError(
      'AUXILIARY_INFO_MISMATCH',
      `version ${this.version(i)}: ${isCommitted ? 'there is auxiliary info, but the transaction info has no hash of it' : 'the transaction info has a hash of auxiliary info that is not there'}`,
    );
  }

  private version(i: number): bigint {
    return this.firstVersion + BigInt(this.count + i);
  }
}

/** The error for a record that cannot be read or proven. Offsets in its message count from the start of the record. */
function unreadable(version: bigint, why: AptosDataError): AptosDataError {
  const code = why.code === 'BCS_INVALID' ? 'RECORD_INVALID' : why.code;
  const what = code === 'UNSUPPORTED' ? '' : ' cannot be read';
  return new AptosDataError(code, `version ${version}${what}: ${why.message}`, { cause: why });
}

const WHAT: Partial<Record<AptosErrorCode, string>> = {
  TRANSACTION_HASH_MISMATCH: 'the transaction',
  EVENT_ROOT_MISMATCH: 'the list of events',
  WRITE_SET_HASH_MISMATCH: 'the write set',
  AUXILIARY_INFO_MISMATCH: 'the auxiliary info',
};
