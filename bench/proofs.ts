/**
 * Compares the cost of proving on one core with its floor, the bare hashing: `npm run bench:proofs`. The
 * floor is the time inside the hasher in the same run, with the same library and the same slices. Compare
 * figures of one machine only.
 */
import {
  type BatchHasher,
  createBatchHasher,
  decodeStateRangeProof,
  decodeTransactionRangeProof,
  type RecordBlock,
  RecordFramer,
  StateChunkVerifier,
  TransactionChunkVerifier,
} from '../src/aptos/index.js';
import { startDevnode } from '../src/devnode/devnode.js';
import { TimedHasher } from './timed-hasher.js';

const TRANSACTIONS = 40_000;
const STATE_ITEMS = 200_000;
const ROUNDS = 5;
/** The size of the parts in which the network delivers data. */
const PIECE = 64 * 1024;

interface Verifier {
  add(block: RecordBlock, from: number, to: number): void;
}

function verify(hasher: BatchHasher, body: Uint8Array, verifier: Verifier): number {
  const framer = new RecordFramer(hasher);
  for (let at = 0; at < body.length; at += PIECE) {
    for (const block of framer.push(body.subarray(at, at + PIECE))) {
      verifier.add(block, 0, block.count);
    }
  }
  const rest = framer.flush();
  if (rest) verifier.add(rest, 0, rest.count);
  return framer.recordCount;
}

function report(what: string, body: Uint8Array, run: (hasher: BatchHasher) => number): void {
  let best: { total: number; floor: number; messages: number; records: number } | undefined;
  const inner = createBatchHasher();
  for (let round = 0; round < ROUNDS; round += 1) {
    const hasher = new TimedHasher(inner);
    const started = performance.now();
    const records = run(hasher);
    const total = (performance.now() - started) / 1000;
    if (!best || total < best.total) {
      best = { total, floor: hasher.seconds, messages: hasher.messages, records };
    }
  }
  const { total, floor, messages, records } = best!;
  console.log(
    [
      what.padEnd(14),
      `${(body.length / 1e6 / total).toFixed(0).padStart(5)} MB/s`,
      `${(records / total / 1000).toFixed(0).padStart(6)} k records/s`,
      `${(messages / floor / 1e6).toFixed(2)} M hashes/s in the floor`,
      `${(total / floor).toFixed(2)} x the floor`,
    ].join('  '),
  );
}

const node = await startDevnode({ transactions: TRANSACTIONS, stateItems: STATE_ITEMS, epochs: 3 });
const get = async (path: string) =>
  new Uint8Array(await (await fetch(node.address + path)).arrayBuffer());
try {
  const { version, epoch_ends: ends } = node.facts();
  const transactions = await get(`/transactions/0/${version + 1}`);
  const rangeProof = decodeTransactionRangeProof(
    await get(`/transaction_range_proof/0/${version}`),
  );
  report('transactions', transactions, (hasher) => {
    const verifier = new TransactionChunkVerifier(hasher, 0n);
    const records = verify(hasher, transactions, verifier);
    verifier.prove(rangeProof);
    return records;
  });
  const snapshot = ends.at(-1)!;
  const state = await get(`/state_snapshot/${snapshot}`);
  const start = { firstIndex: 0n, previousKey: undefined };
  const whole = createBatchHasher();
  const once = new StateChunkVerifier(whole, start);
  verify(whole, state, once);
  const key = Buffer.from(once.lastKey).toString('hex');
  const siblings = decodeStateRangeProof(await get(`/state_range_proof/${snapshot}/${key}`));
  report('state items', state, (hasher) => {
    const verifier = new StateChunkVerifier(hasher, start);
    const records = verify(hasher, state, verifier);
    verifier.prove(siblings);
    return records;
  });
} finally {
  await node.close();
}
