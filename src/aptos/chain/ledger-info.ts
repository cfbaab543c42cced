import { BcsReader } from '../bcs/reader.js';
import { BcsWriter } from '../bcs/writer.js';
import { AptosDataError } from '../data-error.js';
import { hash } from '../hash/seeds.js';

/** A ledger info (docs/formats.md, Ledger infos). Hashes, addresses and keys are raw bytes. */
export interface LedgerInfo {
  epoch: bigint;
  round: bigint;
  id: Uint8Array;
  /** Root of the transaction accumulator after `version`. */
  executedStateId: Uint8Array;
  version: bigint;
  timestampUsecs: bigint;
  /** The validators of the next epoch; present only when this ledger info ends its epoch. */
  nextEpochState: EpochState | undefined;
  consensusDataHash: Uint8Array;
}

export interface EpochState {
  epoch: bigint;
  validators: Validator[];
}

export interface Validator {
  address: Uint8Array;
  publicKey: Uint8Array;
  votingPower: bigint;
}

export interface LedgerInfoWithSignatures {
  ledgerInfo: LedgerInfo;
  /** Bit i (most significant first) is set when validator i signed. */
  bitmask: Uint8Array;
  /** The aggregate BLS signature. */
  signature: Uint8Array | undefined;
  /** The encoded bytes of the whole value. */
  bytes: Uint8Array;
  /** The encoded bytes of the ledger info, which the validators sign. */
  ledgerInfoBytes: Uint8Array;
}

const MAX_BITMASK_BYTES = 8192;

/** @throws AptosDataError BCS_INVALID, LEDGER_INFO_INVALID */
export function decodeLedgerInfoWithSignatures(bytes: Uint8Array): LedgerInfoWithSignatures {
  const reader = new BcsReader(bytes);
  const value = readLedgerInfoWithSignatures(reader);
  reader.finish();
  return value;
}

/** Reads one. The result is a copy and does not share memory with the reader's input. */
export function readLedgerInfoWithSignatures(reader: BcsReader): LedgerInfoWithSignatures {
  const start = reader.pos;
  reader.variant(1, 'LedgerInfoWithSignatures');
  const ledgerInfoStart = reader.pos;
  const ledgerInfo = readLedgerInfo(reader);
  const ledgerInfoEnd = reader.pos;
  const bitmask = reader.bytes().slice();
  if (bitmask.length > MAX_BITMASK_BYTES) {
    throw new AptosDataError('LEDGER_INFO_INVALID', `bit mask of ${bitmask.length} bytes`);
  }
  const signature = reader.option(() => reader.bytes().slice());
  const bytes = reader.input.slice(start, reader.pos);
  return {
    ledgerInfo,
    bitmask,
    signature,
    bytes,
    ledgerInfoBytes: bytes.subarray(ledgerInfoStart - start, ledgerInfoEnd - start),
  };
}

function readLedgerInfo(reader: BcsReader): LedgerInfo {
  return {
    epoch: reader.u64(),
    round: reader.u64(),
    id: reader.fixed(32).slice(),
    executedStateId: reader.fixed(32).slice(),
    version: reader.u64(),
    timestampUsecs: reader.u64(),
    nextEpochState: reader.option(() => readEpochState(reader)),
    consensusDataHash: reader.fixed(32).slice(),
  };
}

export function readEpochState(reader: BcsReader): EpochState {
  return {
    epoch: reader.u64(),
    validators: reader.sequence(() => ({
      address: reader.fixed(32).slice(),
      publicKey: reader.bytes().slice(),
      votingPower: reader.u64(),
    })),
  };
}

export function encodeLedgerInfo(info: LedgerInfo): Uint8Array {
  const writer = new BcsWriter();
  writer.u64(info.epoch).u64(info.round).fixed(info.id).fixed(info.executedStateId);
  writer.u64(info.version).u64(info.timestampUsecs);
  writer.option(info.nextEpochState, (state) => writeEpochState(writer, state));
  return writer.fixed(info.consensusDataHash).toBytes();
}

export function writeEpochState(writer: BcsWriter, state: EpochState): void {
  writer.u64(state.epoch).sequence(state.validators, (validator) => {
    writer.fixed(validator.address).bytes(validator.publicKey).u64(validator.votingPower);
  });
}

/** Encodes a ledger info with the bit mask and aggregate signature of its signers. */
export function encodeLedgerInfoWithSignatures(
  ledgerInfo: LedgerInfo,
  bitmask: Uint8Array,
  signature: Uint8Array | undefined,
): Uint8Array {
  const writer = new BcsWriter();
  writer.uleb(0).fixed(encodeLedgerInfo(ledgerInfo)).bytes(bitmask);
  return writer.option(signature, (bytes) => writer.bytes(bytes)).toBytes();
}

export function ledgerInfoHash(signed: LedgerInfoWithSignatures): Uint8Array {
  return hash('LedgerInfo', signed.ledgerInfoBytes);
}
