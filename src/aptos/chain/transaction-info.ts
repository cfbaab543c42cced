import { BcsReader } from '../bcs/reader.js';
import { BcsWriter } from '../bcs/writer.js';
import { type TransactionInfoSlots, skipTransactionInfo } from '../bcs/skip-transaction-info.js';
import { hash } from '../hash/seeds.js';

/** The hashes in a transaction info (docs/formats.md, Records). Gas and status are left out. */
export interface TransactionInfo {
  transactionHash: Uint8Array;
  eventRootHash: Uint8Array;
  stateChangeHash: Uint8Array;
  /** Root of the state tree after this transaction; only where the chain made a checkpoint. */
  stateCheckpointHash: Uint8Array | undefined;
  bytes: Uint8Array;
}

/** Reads V0 or V1. @throws AptosDataError BCS_INVALID */
export function readTransactionInfo(reader: BcsReader): TransactionInfo {
  const slots: TransactionInfoSlots = { transactionHash: 0, auxiliaryInfoHash: -1 };
  const start = reader.pos;
  const end = skipTransactionInfo(reader.input, start, reader.end, slots);
  const hashes = new BcsReader(reader.input, slots.transactionHash, end);
  reader.pos = end;
  return {
    transactionHash: hashes.fixed(32).slice(),
    eventRootHash: hashes.fixed(32).slice(),
    stateChangeHash: hashes.fixed(32).slice(),
    stateCheckpointHash: hashes.option(() => hashes.fixed(32).slice()),
    bytes: reader.input.slice(start, end),
  };
}

/** The hash of the info, which is its leaf in the transaction accumulator. */
export function transactionInfoHash(info: TransactionInfo): Uint8Array {
  return hash('TransactionInfo', info.bytes);
}

/** Encodes a V0 info of a successful transaction, for genesis and for simulated chains. */
export function encodeTransactionInfo(info: {
  gasUsed: bigint;
  transactionHash: Uint8Array;
  eventRootHash: Uint8Array;
  stateChangeHash: Uint8Array;
  stateCheckpointHash: Uint8Array | undefined;
  auxiliaryInfoHash: Uint8Array | undefined;
}): Uint8Array {
  const writer = new BcsWriter();
  writer.uleb(0).u64(info.gasUsed).uleb(0);
  writer.fixed(info.transactionHash).fixed(info.eventRootHash).fixed(info.stateChangeHash);
  writer.option(info.stateCheckpointHash, (bytes) => writer.fixed(bytes));
  return writer.option(info.auxiliaryInfoHash, (bytes) => writer.fixed(bytes)).toBytes();
}
