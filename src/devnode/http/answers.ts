import {
  encodeStateRangeProof,
  encodeStateRootProof,
  encodeTransactionRangeProof,
} from '../../aptos/index.js';
import {
  encodeDbState,
  encodeU64,
  type Endpoint,
  MAX_U64,
  parseParameters,
} from '../../backup-service/request.js';
import type { Chain } from '../chain/chain.js';
import { PackedStrings } from '../chain/packed.js';
import type { Snapshot } from '../chain/snapshot.js';

/** The answer of the service to one request. */
export type Answer =
  | { kind: 'status'; status: 400 | 404 | 405 | 500 }
  | { kind: 'value'; bytes: Uint8Array }
  /** Records [from, to) with their length prefixes. */
  | { kind: 'stream'; frames: PackedStrings; from: number; to: number }
  /** A stream that fails before its first record. */
  | { kind: 'abort' }
  /** The service crashes in this request: the connection closes without a byte. */
  | { kind: 'drop' };

/** The chain that a node serves, and how much of its history it keeps. */
export interface Served {
  chain: Chain;
  /** The same chain with some more versions that no ledger info proves yet. Only transaction streams contain them. */
  ahead: Chain | undefined;
  /** How many versions are kept; older transactions and snapshots are pruned. Undefined: all are kept. */
  pruneWindow: number | undefined;
  /** The node has no genesis yet, so it serves nothing. */
  empty: boolean;
}

const FAILED: Answer = { kind: 'status', status: 500 };
const BAD_REQUEST: Answer = { kind: 'status', status: 400 };
const ABORT: Answer = { kind: 'abort' };

/** Gives the answer of the real service (docs/formats.md, Backup service). */
export function answer(served: Served, endpoint: Endpoint, params: string[]): Answer {
  const { chain } = served;
  const request = parseParameters(endpoint, params);
  if (!request) return BAD_REQUEST;
  const [a, b, c] = request.numbers;
  switch (endpoint) {
    case 'db_state':
      return { kind: 'value', bytes: dbState(served) };
    case 'epoch_ending_ledger_infos':
      return served.empty ? emptyStream() : epochEndings(chain, a, b);
    case 'transactions':
      return served.empty ? emptyStream() : transactions(served, a, b);
    case 'transaction_range_proof':
      return served.empty ? FAILED : rangeProof(served, a, b);
    case 'state_item_count': {
      const snapshot = snapshotAt(served, a);
      return snapshot ? { kind: 'value', bytes: encodeU64(BigInt(snapshot.count)) } : FAILED;
    }
    case 'state_snapshot_chunk':
      return stateChunk(snapshotAt(served, a), b, c);
    case 'state_snapshot':
      return stateChunk(snapshotAt(served, a), 0n, MAX_U64);
    case 'state_range_proof':
      return stateRangeProof(snapshotAt(served, a), request.key!);
    case 'state_root_proof':
      return served.empty ? FAILED : stateRootProof(chain, a);
  }
}

function dbState({ chain, empty }: Served): Uint8Array {
  if (empty) return encodeDbState(undefined);
  return encodeDbState({ epoch: BigInt(chain.epoch), version: BigInt(chain.version) });
}

function epochEndings(chain: Chain, start: bigint, end: bigint): Answer {
  const frames = new PackedStrings();
  const stop = end < BigInt(chain.ends.length) ? Number(end) : chain.ends.length;
  for (let epoch = start; epoch < BigInt(stop); epoch += 1n) {
    const { ledgerInfo } = chain.ends[Number(epoch)]!;
    const prefix = Buffer.alloc(4);
    prefix.writeUInt32BE(ledgerInfo.length);
    frames.append(Buffer.concat([prefix, ledgerInfo]));
  }
  return { kind: 'stream', frames, from: 0, to: frames.count };
}

function transactions(served: Served, start: bigint, count: bigint): Answer {
  const chain = served.ahead ?? served.chain;
  if (start + count > MAX_U64) return ABORT;
  if (count === 0n || start > BigInt(chain.version)) return emptyStream();
  if (Number(start) < firstKept(served)) return ABORT;
  const end = start + count;
  const to = end > BigInt(chain.version) ? chain.version + 1 : Number(end);
  return { kind: 'stream', frames: chain.records, from: Number(start), to };
}

function rangeProof(served: Served, first: bigint, last: bigint): Answer {
  const { chain } = served;
  if (first === 0n && last === MAX_U64) return { kind: 'drop' };
  if (last < first || last > BigInt(chain.version)) return FAILED;
  const kept = firstKept(served);
  // A proof from version 0 needs no left siblings, so the node has it even if version 0 is pruned.
  if ((first > 0n && Number(first) < kept) || Number(last) < kept) return FAILED;
  const ledgerInfo = chain.ledgerInfoFor(Number(last))!;
  const size = ledgerInfo.version + 1;
  const { left, right } = chain.accumulator.rangeProof(Number(first), Number(last), size);
  return { kind: 'value', bytes: encodeTransactionRangeProof(left, right, ledgerInfo.bytes) };
}

function stateChunk(snapshot: Snapshot | undefined, start: bigint, limit: bigint): Answer {
  if (!snapshot) return ABORT;
  const count = BigInt(snapshot.count);
  if (start >= count || limit === 0n) return emptyStream();
  const end = start + limit < count ? start + limit : count;
  return { kind: 'stream', frames: snapshot.frames(), from: Number(start), to: Number(end) };
}

function stateRangeProof(snapshot: Snapshot | undefined, key: Uint8Array): Answer {
  const index = snapshot?.tree.indexOf(key);
  if (!snapshot || index === undefined) return FAILED;
  return { kind: 'value', bytes: encodeStateRangeProof(snapshot.tree.rangeProof(index)) };
}

function stateRootProof(chain: Chain, version: bigint): Answer {
  const ledgerInfo =
    version > BigInt(chain.version) ? undefined : chain.ledgerInfoFor(Number(version));
  if (!ledgerInfo) return FAILED;
  const siblings = chain.accumulator.leafProof(Number(version), ledgerInfo.version + 1);
  const info = chain.infos.at(Number(version));
  return { kind: 'value', bytes: encodeStateRootProof(siblings, info, ledgerInfo.bytes) };
}

function snapshotAt(served: Served, version: bigint): Snapshot | undefined {
  if (served.empty || Number(version) < firstKept(served)) return undefined;
  return served.chain.snapshots.get(Number(version));
}

function firstKept({ chain, pruneWindow }: Served): number {
  return pruneWindow === undefined ? 0 : Math.max(0, chain.version - pruneWindow);
}

function emptyStream(): Answer {
  return { kind: 'stream', frames: new PackedStrings(), from: 0, to: 0 };
}
