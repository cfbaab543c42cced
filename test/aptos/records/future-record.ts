import { Accumulator } from '../../../src/aptos/accumulator/accumulator.js';
import { accumulatorRoot } from '../../../src/aptos/accumulator/verify-proof.js';
import { BcsWriter } from '../../../src/aptos/bcs/writer.js';
import {
  decodeLedgerInfoWithSignatures,
  encodeLedgerInfoWithSignatures,
} from '../../../src/aptos/chain/ledger-info.js';
import { createBatchHasher } from '../../../src/aptos/hash/batch-hasher.js';
import { hash } from '../../../src/aptos/hash/seeds.js';
import { RecordFramer } from '../../../src/aptos/records/framing.js';
import { TransactionChunkVerifier } from '../../../src/aptos/records/transaction-chunk.js';

/** The parts of a record. Left-out parts have a known form. */
export interface Parts {
  transaction?: Uint8Array;
  auxiliary?: Uint8Array;
  /** Whether the info has the hash of the auxiliary info. */
  isCommitted?: boolean;
  infoTag?: Uint8Array;
  status?: Uint8Array;
  /** Extra bytes between status and hashes, for an info of another layout. */
  inserted?: Uint8Array;
  events?: Uint8Array[];
  writeSet?: Uint8Array;
}

export const H32 = new Uint8Array(32).fill(7);
/** Bytes without a meaning that look like many things. */
export const NOISE = Uint8Array.from([0, 0, 3, 1, 0, 0, 2, 0, 9, 250, 0, 1, 1, 0, 0, 0, 0, 5, 5]);

export const bytes = (...parts: (number | Uint8Array)[]): Uint8Array =>
  Buffer.concat(parts.map((part) => (typeof part === 'number' ? Uint8Array.of(part) : part)));
export const uleb = (value: number): Uint8Array => new BcsWriter().uleb(value).toBytes();

const FRAMEWORK = new Uint8Array(32).fill(1, 31);
export const structTag = () =>
  new BcsWriter().uleb(7).fixed(FRAMEWORK).string('coin').string('Deposit').uleb(0).toBytes();
export const knownEvent = (n: number): Uint8Array =>
  bytes(1, structTag(), 4, Uint8Array.of(n, 2, 3, 4));
const KNOWN_TRANSACTION = bytes(3, H32);
const tableKey = bytes(1, H32, 2, 1, 2);
export const KNOWN_WRITE_SET = bytes(0, 1, tableKey, 0, 3, 1, 2, 3);

/** A record of format V1 with consistent hashes, and its leaf. */
export function build(parts: Parts): { record: Uint8Array; leaf: Uint8Array } {
  const transaction = parts.transaction ?? KNOWN_TRANSACTION;
  const auxiliary = parts.auxiliary ?? bytes(1, 4, 0, 0, 0);
  const events = parts.events ?? [knownEvent(1), knownEvent(2)];
  const writeSet = parts.writeSet ?? KNOWN_WRITE_SET;
  const root = accumulatorRoot(
    'EventAccumulator',
    events.map((event) => hash('ContractEvent', event)),
  );
  const isCommitted = parts.isCommitted ?? true;
  const info = bytes(
    parts.infoTag ?? 0,
    Uint8Array.of(44, 1, 0, 0, 0, 0, 0, 0),
    parts.status ?? 0,
    parts.inserted ?? new Uint8Array(0),
    hash('Transaction', transaction),
    root,
    hash('WriteSet', writeSet),
    1,
    H32,
    isCommitted ? bytes(1, hash('PersistedAuxiliaryInfo', auxiliary)) : 0,
  );
  const list = new BcsWriter().sequence(events, () => undefined).toBytes();
  const record = bytes(transaction, auxiliary, info, list, ...events, writeSet);
  return { record, leaf: hash('TransactionInfo', info) };
}

export const FIRST_VERSION = 1001n;
const hasher = createBatchHasher();

/** Proves a chunk as it comes from a node, under a range proof over these leaves. */
export function proveChunk(records: Uint8Array[], leaves: Uint8Array[]): void {
  const accumulator = new Accumulator('TransactionAccumulator');
  for (let i = 0; i < Number(FIRST_VERSION); i += 1) accumulator.append(H32);
  for (const leaf of leaves) accumulator.append(leaf);
  const first = Number(FIRST_VERSION);
  const last = first + records.length - 1;
  const { left, right } = accumulator.rangeProof(first, last, last + 1);
  const ledgerInfo = decodeLedgerInfoWithSignatures(
    encodeLedgerInfoWithSignatures(
      {
        epoch: 1n,
        round: 1n,
        id: H32,
        executedStateId: accumulator.root(),
        version: BigInt(last),
        timestampUsecs: 1n,
        nextEpochState: undefined,
        consensusDataHash: H32,
      },
      new Uint8Array(0),
      undefined,
    ),
  );
  const verifier = new TransactionChunkVerifier(hasher, FIRST_VERSION);
  const framer = new RecordFramer(hasher);
  for (const record of records) {
    const prefix = Buffer.alloc(4);
    prefix.writeUInt32BE(record.length);
    for (const block of framer.push(bytes(prefix, record))) verifier.add(block, 0, block.count);
  }
  const rest = framer.flush();
  if (rest) verifier.add(rest, 0, rest.count);
  verifier.prove({ leftSiblings: left, rightSiblings: right, ledgerInfo });
}
