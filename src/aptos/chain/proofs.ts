import { BcsReader } from '../bcs/reader.js';
import { BcsWriter } from '../bcs/writer.js';
import { verifyLeaf } from '../accumulator/verify-proof.js';
import { AptosDataError } from '../data-error.js';
import { type LedgerInfoWithSignatures, readLedgerInfoWithSignatures } from './ledger-info.js';
import {
  type TransactionInfo,
  readTransactionInfo,
  transactionInfoHash,
} from './transaction-info.js';

/** Most siblings of an accumulator proof: one per level, and versions have 64 bits. */
const MOST_SIBLINGS = 63;
/** Most siblings of a state tree proof: one per bit of a key hash. */
const MOST_STATE_SIBLINGS = 256;

/** Range proof of transactions. Siblings: nearest the leaves first (docs/formats.md, Accumulators). */
export interface TransactionRangeProof {
  leftSiblings: Uint8Array[];
  rightSiblings: Uint8Array[];
  ledgerInfo: LedgerInfoWithSignatures;
}

/** @throws AptosDataError BCS_INVALID, LEDGER_INFO_INVALID */
export function decodeTransactionRangeProof(bytes: Uint8Array): TransactionRangeProof {
  const reader = new BcsReader(bytes);
  const leftSiblings = readSiblings(reader, MOST_SIBLINGS);
  const rightSiblings = readSiblings(reader, MOST_SIBLINGS);
  const ledgerInfo = readLedgerInfoWithSignatures(reader);
  reader.finish();
  return { leftSiblings, rightSiblings, ledgerInfo };
}

export function encodeTransactionRangeProof(
  leftSiblings: readonly Uint8Array[],
  rightSiblings: readonly Uint8Array[],
  ledgerInfo: Uint8Array,
): Uint8Array {
  const writer = new BcsWriter();
  writeSiblings(writer, leftSiblings);
  writeSiblings(writer, rightSiblings);
  return writer.fixed(ledgerInfo).toBytes();
}

/** Proof of a state root: the transaction info of its version, under a ledger info (docs/formats.md, Files). */
export interface StateRootProof {
  siblings: Uint8Array[];
  transactionInfo: TransactionInfo;
  ledgerInfo: LedgerInfoWithSignatures;
}

/** @throws AptosDataError BCS_INVALID, LEDGER_INFO_INVALID */
export function decodeStateRootProof(bytes: Uint8Array): StateRootProof {
  const reader = new BcsReader(bytes);
  const siblings = readSiblings(reader, MOST_SIBLINGS);
  const transactionInfo = readTransactionInfo(reader);
  const ledgerInfo = readLedgerInfoWithSignatures(reader);
  reader.finish();
  return { siblings, transactionInfo, ledgerInfo };
}

export function encodeStateRootProof(
  siblings: readonly Uint8Array[],
  transactionInfo: Uint8Array,
  ledgerInfo: Uint8Array,
): Uint8Array {
  const writer = new BcsWriter();
  writeSiblings(writer, siblings);
  return writer.fixed(transactionInfo).fixed(ledgerInfo).toBytes();
}

/**
 * Returns the state root after `version`, and checks that it lies under the ledger info of the proof. Does not check
 * the signatures of the ledger info. @throws AptosDataError STATE_PROOF_MISMATCH
 */
export function verifyStateRoot(proof: StateRootProof, version: bigint): Uint8Array {
  const { siblings, transactionInfo, ledgerInfo } = proof;
  const { version: ledgerVersion, executedStateId } = ledgerInfo.ledgerInfo;
  const leaf = transactionInfoHash(transactionInfo);
  if (version > ledgerVersion || !verifyLeaf(executedStateId, leaf, version, siblings)) {
    throw new AptosDataError(
      'STATE_PROOF_MISMATCH',
      `the transaction info of version ${version} is not under the ledger info of version ${ledgerVersion}`,
    );
  }
  if (!transactionInfo.stateCheckpointHash) {
    throw new AptosDataError('STATE_PROOF_MISMATCH', `version ${version} has no state checkpoint`);
  }
  return transactionInfo.stateCheckpointHash;
}

/** The siblings right of the last key of a state chunk, nearest the leaf first (docs/formats.md, State tree). */
export function decodeStateRangeProof(bytes: Uint8Array): Uint8Array[] {
  const reader = new BcsReader(bytes);
  const siblings = readSiblings(reader, MOST_STATE_SIBLINGS);
  reader.finish();
  return siblings;
}

export function encodeStateRangeProof(siblings: readonly Uint8Array[]): Uint8Array {
  const writer = new BcsWriter();
  writeSiblings(writer, siblings);
  return writer.toBytes();
}

function readSiblings(reader: BcsReader, most: number): Uint8Array[] {
  const siblings = reader.sequence(() => reader.fixed(32).slice());
  if (siblings.length > most) throw reader.invalid(`${siblings.length} siblings in a proof`);
  return siblings;
}

function writeSiblings(writer: BcsWriter, siblings: readonly Uint8Array[]): void {
  writer.sequence(siblings, (sibling) => writer.fixed(sibling));
}
