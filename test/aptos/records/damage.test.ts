/** A chunk with any change is refused, and the error says where. */
import { readFileSync, readdirSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeStateRangeProof,
  decodeTransactionRangeProof,
} from '../../../src/aptos/chain/proofs.js';
import { createBatchHasher } from '../../../src/aptos/hash/batch-hasher.js';
import { toHex } from '../../../src/aptos/hex.js';
import { RecordFramer } from '../../../src/aptos/records/framing.js';
import { StateChunkVerifier } from '../../../src/aptos/records/state-chunk.js';
import { TransactionChunkVerifier } from '../../../src/aptos/records/transaction-chunk.js';

const hasher = createBatchHasher();
type Check = (frames: Uint8Array[], proof: Uint8Array) => void;

function feed(frames: Uint8Array[], verifier: Pick<TransactionChunkVerifier, 'add'>): void {
  const framer = new RecordFramer(hasher);
  for (const block of framer.push(Buffer.concat(frames))) verifier.add(block, 0, block.count);
  const rest = framer.flush();
  if (rest) verifier.add(rest, 0, rest.count);
}

/** The frames of a chunk file. */
function split(file: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let at = 0; at < file.length;) {
    const end = at + 4 + new DataView(file.buffer, file.byteOffset + at, 4).getUint32(0);
    frames.push(file.subarray(at, end));
    at = end;
  }
  return frames;
}

function manifestOf(storage: string, prefix: string, name: string) {
  const root = new URL(`../../fixtures/${storage}/`, import.meta.url);
  const folder = readdirSync(root)
    .filter((f) => f.startsWith(prefix))
    .sort()
    .at(-1)!;
  // Not a Buffer, whose slices share its memory.
  const read = (handle: string) => Uint8Array.from(readFileSync(new URL(handle, root)));
  return {
    read,
    manifest: JSON.parse(Buffer.from(read(`${folder}/${name}`)).toString()) as Manifest,
  };
}
interface Manifest {
  version: number;
  root_hash: string;
  chunks: {
    first_version: number;
    first_idx: number;
    last_key: string;
    transactions: string;
    blobs: string;
    proof: string;
  }[];
}

/** The first chunk of the newest backup that has enough records. */
function transactionCase(storage: string) {
  const { read, manifest } = manifestOf(storage, 'transaction_', 'transaction.manifest');
  const chunk = manifest.chunks.find((c) => split(read(c.transactions)).length > 2)!;
  const check: Check = (frames, proof) => {
    const verifier = new TransactionChunkVerifier(hasher, BigInt(chunk.first_version));
    feed(frames, verifier);
    verifier.prove(decodeTransactionRangeProof(proof));
  };
  return { frames: split(read(chunk.transactions)), proof: read(chunk.proof), check };
}

/** The in-frontier must be the out-frontier of the chunk before; the first must give the root. */
function stateCase(storage: string, index: number) {
  const { read, manifest } = manifestOf(storage, 'state_epoch_', 'state.manifest');
  const chunk = manifest.chunks[index]!;
  const before = manifest.chunks[index - 1];
  const prove = (frames: Uint8Array[], proof: Uint8Array) => {
    const verifier = new StateChunkVerifier(hasher, {
      firstIndex: BigInt(chunk.first_idx),
      previousKey: before && Buffer.from(before.last_key, 'hex'),
    });
    feed(frames, verifier);
    const step = verifier.prove(decodeStateRangeProof(proof));
    const edge = 'root' in step ? toHex(step.root) : step.inFrontier.map(toHex).join();
    return { edge, out: step.outFrontier.map(toHex).join() };
  };
  const frames = split(read(chunk.blobs));
  const proof = read(chunk.proof);
  const good = prove(frames, proof);
  const check: Check = (some, with_) => {
    const { edge, out } = prove(some, with_);
    if (edge !== good.edge || out !== good.out) throw new Error('does not chain');
  };
  return { frames, proof, check };
}

const CASES = [
  ['transactions V1', transactionCase('stock/stock-plain')],
  ['transactions V0', transactionCase('stock-v0/stock-plain')],
  ['first state chunk', stateCase('stock/stock-plain', 0)],
  ['middle state chunk', stateCase('stock/stock-plain', 1)],
] as const;

describe.each(CASES)('%s', (_, { frames, proof, check }) => {
  const runs = { numRuns: 150 };
  const at = fc.nat().map((n) => n % frames.length);

  it('is proven when it is not damaged', () => {
    expect(frames.length).toBeGreaterThan(2);
    expect(() => check(frames, proof)).not.toThrow();
  });

  it('is refused with any bit changed', () => {
    fc.assert(
      fc.property(at, fc.nat(), fc.nat({ max: 7 }), (i, byte, bit) => {
        const damaged = frames.map((frame) => frame.slice());
        const frame = damaged[i]!;
        frame[4 + (byte % (frame.length - 4))]! ^= 1 << bit;
        expect(() => check(damaged, proof)).toThrow();
      }),
      runs,
    );
  });

  it('is refused with a record missing, repeated or out of order', () => {
    fc.assert(
      fc.property(at, at, (i, k) => {
        expect(() => check(frames.toSpliced(i, 1), proof)).toThrow();
        expect(() => check(frames.toSpliced(i, 0, frames[k]!), proof)).toThrow();
        if (i === k) return;
        const swapped = [...frames];
        [swapped[i], swapped[k]] = [frames[k]!, frames[i]!];
        expect(() => check(swapped, proof)).toThrow();
      }),
      runs,
    );
  });

  it('is refused with any bit of the siblings in its proof changed', () => {
    // Signatures check the ledger info of a range proof. Other tests cover them.
    const siblings = Math.min(proof.length, 1 + 32 * proof[0]!);
    fc.assert(
      fc.property(fc.nat(), fc.nat({ max: 7 }), (byte, bit) => {
        const damaged = Uint8Array.from(proof);
        damaged[byte % siblings]! ^= 1 << bit;
        expect(() => check(frames, damaged)).toThrow();
      }),
      runs,
    );
  });
});

it('the error names the version and the part that differs', () => {
  const { frames, proof, check } = transactionCase('stock/stock-plain');
  const damaged = frames.map((frame) => frame.slice());
  damaged[1]!.set([0xff], damaged[1]!.length - 1);
  expect(() => check(damaged, proof)).toThrow(/^version \d+/);
});

it('a chunk with records of both formats is refused', () => {
  const v1 = transactionCase('stock/stock-plain');
  const v0 = transactionCase('stock-v0/stock-plain');
  expect(() => v1.check([v1.frames[0]!, v0.frames[1]!], v1.proof)).toThrow(
    expect.objectContaining({ code: 'RECORD_FORMAT_MIXED' }) as Error,
  );
});
