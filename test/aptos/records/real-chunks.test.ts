/**
 * Every chunk that the stock tool wrote from a real node's answers proves, and the chunks of each
 * kind chain to one another; in both record formats.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  decodeStateRangeProof,
  decodeStateRootProof,
  decodeTransactionRangeProof,
  verifyStateRoot,
} from '../../../src/aptos/chain/proofs.js';
import { createBatchHasher } from '../../../src/aptos/hash/batch-hasher.js';
import { toHex } from '../../../src/aptos/hex.js';
import { RecordFramer } from '../../../src/aptos/records/framing.js';
import { StateChunkVerifier } from '../../../src/aptos/records/state-chunk.js';
import { TransactionChunkVerifier } from '../../../src/aptos/records/transaction-chunk.js';

const STORAGES = [
  ['stock/stock-plain', 'V1'],
  ['stock/stock-continuous', 'V1'],
  ['stock-v0/stock-plain', 'V0'],
  ['stock-v0/stock-continuous', 'V0'],
] as const;

interface TransactionManifest {
  chunks: { first_version: number; last_version: number; transactions: string; proof: string }[];
}
interface StateManifest {
  version: number;
  root_hash: string;
  proof: string;
  chunks: { first_idx: number; last_idx: number; last_key: string; blobs: string; proof: string }[];
}

describe.each(STORAGES)('%s', (storage, format) => {
  const hashers = (['wasm', 'node'] as const).map((kind) => createBatchHasher(kind));
  const root = new URL(`../../fixtures/${storage}/`, import.meta.url);
  const read = (handle: string) => readFileSync(new URL(handle, root));
  const manifests = <T>(prefix: string, name: string): T[] =>
    readdirSync(root)
      .filter((folder) => folder.startsWith(prefix))
      .map((folder) => JSON.parse(read(`${folder}/${name}`).toString()) as T);

  it.each(hashers)('proves its transactions', (hasher) => {
    const chunks = manifests<TransactionManifest>('transaction_', 'transaction.manifest')
      .flatMap((manifest) => manifest.chunks)
      .sort((a, b) => a.first_version - b.first_version);
    const out = new Map<number, string>([[0, '']]);
    expect(chunks.length).toBeGreaterThan(3);
    for (const chunk of chunks) {
      const verifier = new TransactionChunkVerifier(hasher, BigInt(chunk.first_version));
      feed(hasher, read(chunk.transactions), verifier);
      expect(verifier.count).toBe(chunk.last_version - chunk.first_version + 1);
      expect(verifier.format).toBe(format);
      const step = verifier.prove(decodeTransactionRangeProof(read(chunk.proof)));
      const before = out.get(chunk.first_version);
      if (before !== undefined) expect(step.inFrontier.map(toHex).join()).toBe(before);
      out.set(chunk.last_version + 1, step.outFrontier.map(toHex).join());
    }
  });

  it.each(hashers)('proves its state snapshots', (hasher) => {
    const snapshots = manifests<StateManifest>('state_epoch_', 'state.manifest');
    expect(snapshots.length).toBeGreaterThan(0);
    for (const snapshot of snapshots) {
      const proof = decodeStateRootProof(read(snapshot.proof));
      expect(toHex(verifyStateRoot(proof, BigInt(snapshot.version)))).toBe(snapshot.root_hash);
      let before: { key: Uint8Array; out: string } | undefined;
      for (const chunk of snapshot.chunks) {
        const verifier = new StateChunkVerifier(hasher, {
          firstIndex: BigInt(chunk.first_idx),
          previousKey: before?.key,
        });
        feed(hasher, read(chunk.blobs), verifier);
        expect(verifier.count).toBe(chunk.last_idx - chunk.first_idx + 1);
        expect(toHex(verifier.lastKey)).toBe(chunk.last_key);
        const step = verifier.prove(decodeStateRangeProof(read(chunk.proof)));
        if ('root' in step) expect(toHex(step.root)).toBe(snapshot.root_hash);
        else expect(step.inFrontier.map(toHex).join()).toBe(before?.out);
        before = { key: verifier.lastKey, out: step.outFrontier.map(toHex).join() };
        expect(step.isLast).toBe(chunk === snapshot.chunks.at(-1));
      }
    }
  });
});

type Verifier = Pick<TransactionChunkVerifier, 'add'>;

/** Feeds a file in uneven pieces and blocks of any size. */
function feed(
  hasher: ReturnType<typeof createBatchHasher>,
  file: Uint8Array,
  verifier: Verifier,
): void {
  const framer = new RecordFramer(hasher, { blockBytes: 3000 });
  let at = 0;
  for (let size = 1; at < file.length; size = (size * 7) % 4999) {
    for (const block of framer.push(file.subarray(at, at + size))) {
      verifier.add(block, 0, block.count);
    }
    at += size;
  }
  const rest = framer.flush();
  if (rest) verifier.add(rest, 0, rest.count);
}
