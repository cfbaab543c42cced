import type { Proven } from '../contract/unit.js';
import type { Receipt } from './receipt.js';

/** The fields that our manifests add to a chunk of the stock tool's (docs/formats.md, Our own files). */
export function chunkExtra(receipt: Receipt, proven: Proven) {
  return {
    bytes: BigInt(receipt.chunk.bytes),
    sha256: receipt.chunk.sha256,
    ...(receipt.proof ? { proof_sha256: receipt.proof.sha256 } : {}),
    proven,
  };
}

/** The first and the last record. There must be at least one receipt. */
export function spanOfReceipts(receipts: readonly Receipt[]): [first: bigint, last: bigint] {
  return [BigInt(receipts[0]!.first), BigInt(receipts.at(-1)!.last)];
}
