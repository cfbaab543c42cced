import { accumulatorRoot } from '../accumulator/verify-proof.js';
import { BcsReader } from '../bcs/reader.js';
import { BcsWriter } from '../bcs/writer.js';
import { skipContractEvent, skipContractEvents, skipWriteSet } from '../bcs/skip-state.js';
import { AptosDataError } from '../data-error.js';
import { hash } from '../hash/seeds.js';
import { toHex } from '../hex.js';
import { stateKeyHash } from '../records/state-key.js';
import { stateRoot } from '../state-tree/definition.js';
import type { EpochState, LedgerInfo } from './ledger-info.js';
import { encodeTransactionInfo } from './transaction-info.js';
import { type Waypoint, waypointOf } from './waypoint.js';

/** Version 0 of a chain, derived from its published genesis transaction alone (docs/formats.md, Genesis). */
export interface Genesis {
  /** The transaction, as published. */
  transaction: Uint8Array;
  /** Its events (a sequence) and its write set, in BCS as in a record. */
  events: Uint8Array;
  writeSet: Uint8Array;
  transactionInfo: Uint8Array;
  ledgerInfo: LedgerInfo;
  /** The state that it creates, in ascending order of key hashes. */
  items: StateItem[];
}

/** A state item in BCS, and the hash of its key. */
export interface StateItem {
  key: Uint8Array;
  value: Uint8Array;
  keyHash: Uint8Array;
}

const GENESIS_TRANSACTION = 1;
const DIRECT = 0;

/**
 * Derives version 0 from a `genesis.blob` (docs/formats.md, Genesis).
 * @throws AptosDataError GENESIS_INVALID saying what is missing or wrong
 */
export function readGenesis(blob: Uint8Array): Genesis {
  try {
    return derive(blob);
  } catch (error) {
    if (!(error instanceof AptosDataError) || error.code === 'GENESIS_INVALID') throw error;
    throw new AptosDataError(
      'GENESIS_INVALID',
      `this is not a genesis blob (a genesis transaction in BCS): ${error.message}`,
      { cause: error },
    );
  }
}

/** `0:<hash>` of a `genesis.blob`. @throws AptosDataError GENESIS_INVALID */
export function genesisWaypoint(blob: Uint8Array): Waypoint {
  return waypointOf(readGenesis(blob).ledgerInfo);
}

function derive(blob: Uint8Array): Genesis {
  if (blob[0] !== GENESIS_TRANSACTION || blob[1] !== DIRECT) {
    throw invalid('it does not begin like a genesis transaction with a direct write set');
  }
  const events = skipWriteSet(blob, 2, blob.length);
  const end = skipContractEvents(blob, events, blob.length);
  if (end !== blob.length) throw invalid(`${blob.length - end} bytes are left over`);
  const writeSet = blob.subarray(2, events);
  const items = itemsOf(writeSet);
  const leaves = items.map(({ keyHash, value }) => ({
    key: keyHash,
    value: hash('StateValue', value),
  }));
  const transactionInfo = encodeTransactionInfo({
    gasUsed: 0n,
    transactionHash: hash('Transaction', blob),
    eventRootHash: eventRoot(blob.subarray(events)),
    stateChangeHash: hash('WriteSet', writeSet),
    stateCheckpointHash: stateRoot(leaves),
    auxiliaryInfoHash: undefined,
  });
  const ledgerInfo: LedgerInfo = {
    epoch: 0n,
    round: 0n,
    id: new Uint8Array(32),
    executedStateId: hash('TransactionInfo', transactionInfo),
    version: 0n,
    timestampUsecs: 0n,
    nextEpochState: firstEpochState(items),
    consensusDataHash: new Uint8Array(32),
  };
  return {
    transaction: blob,
    events: blob.subarray(events),
    writeSet,
    transactionInfo,
    ledgerInfo,
    items,
  };
}

function itemsOf(writeSet: Uint8Array): StateItem[] {
  const reader = new BcsReader(writeSet);
  reader.variant(1, 'WriteSet');
  const items = reader.sequence(() => {
    const key = readStateKey(reader);
    const op = reader.variant(6, 'WriteOp');
    const writer = new BcsWriter();
    if (op === 2 || op === 5) throw invalid('it deletes state');
    writer.uleb(op < 2 ? 0 : 1).bytes(reader.bytes());
    if (op > 2) writer.fixed(reader.fixed(reader.input[reader.pos] === 0 ? 17 : 25));
    return { key, value: writer.toBytes(), keyHash: stateKeyHash(key) };
  });
  return items.sort((a, b) => Buffer.compare(a.keyHash, b.keyHash));
}

function readStateKey(reader: BcsReader): Uint8Array {
  const start = reader.pos;
  if (reader.variant(3, 'StateKey') < 2) reader.fixed(32);
  reader.bytes();
  return reader.input.subarray(start, reader.pos);
}

function eventRoot(events: Uint8Array): Uint8Array {
  const reader = new BcsReader(events);
  const hashes = reader.sequence(() => {
    const start = reader.pos;
    reader.pos = skipContractEvent(events, start, events.length);
    return hash('ContractEvent', events.subarray(start, reader.pos));
  });
  return accumulatorRoot('EventAccumulator', hashes);
}

/** The validators of epoch 1, from the two resources that genesis writes for them. */
function firstEpochState(items: StateItem[]): EpochState {
  const epoch = new BcsReader(resource(items, 'reconfiguration', 'Configuration')).u64();
  const set = new BcsReader(resource(items, 'stake', 'ValidatorSet'));
  set.variant(1, 'ConsensusScheme');
  const readValidator = () => {
    const address = set.fixed(32);
    const votingPower = set.u64();
    const publicKey = set.bytes();
    set.bytes();
    set.bytes();
    return { address, publicKey, votingPower, index: set.u64() };
  };
  const active = set.sequence(readValidator);
  const validators = [...active, ...set.sequence(readValidator)];
  validators.sort((a, b) => (a.index < b.index ? -1 : 1));
  validators.forEach(({ index }, i) => {
    if (index !== BigInt(i))
      throw invalid(`validator ${i} of its validator set has index ${index}`);
  });
  return {
    epoch,
    validators: validators.map(({ address, publicKey, votingPower }) => {
      return { address, publicKey, votingPower };
    }),
  };
}

/** The bytes of a resource of account 0x1. */
function resource(items: StateItem[], module: string, name: string): Uint8Array {
  const wanted = toHex(frameworkResourceKey(module, name));
  const item = items.find(({ key }) => toHex(key) === wanted);
  if (!item) throw invalid(`it does not write 0x1::${module}::${name}`);
  const reader = new BcsReader(item.value);
  reader.variant(2, 'StateValue');
  return reader.bytes();
}

/** The state key, in BCS, of a resource of account 0x1 whose type is defined in a module of 0x1. */
export function frameworkResourceKey(module: string, name: string): Uint8Array {
  const path = new BcsWriter();
  path.uleb(1).fixed(FRAMEWORK).string(module).string(name).uleb(0);
  return new BcsWriter().uleb(0).fixed(FRAMEWORK).bytes(path.toBytes()).toBytes();
}

const FRAMEWORK = new Uint8Array(32).fill(1, 31);

function invalid(why: string): AptosDataError {
  return new AptosDataError('GENESIS_INVALID', `this is not a usable genesis blob: ${why}`);
}
