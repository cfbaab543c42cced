import {
  type BatchHasher,
  KnownLeaves,
  type RecordBlock,
  type TransactionChunkVerifier,
  fittingRecords,
} from '../../aptos/index.js';

/** A chunk of the full batch, by the stock rule, and the siblings to its left. */
export interface Cut {
  first: bigint;
  last: bigint;
  left: Uint8Array[];
}

/**
 * Finds where the stock tool would cut the records of a batch, and keeps the hashes that prove each chunk. Records
 * come in order. `ends`: the versions of the batch at which epochs end, in order.
 */
export class ChunkCutter {
  readonly cuts: Cut[] = [];
  readonly leaves: KnownLeaves;
  private open: { first: bigint; bytes: number; left: Uint8Array[] };
  private next: bigint;
  private readonly ends: bigint[];

  constructor(
    hasher: BatchHasher,
    first: bigint,
    left: readonly Uint8Array[],
    private readonly maxChunkSize: number,
    ends: readonly bigint[],
  ) {
    this.leaves = new KnownLeaves(hasher, first, left);
    this.ends = [...ends];
    this.next = first;
    this.open = { first, bytes: 0, left: this.leaves.leftSiblings() };
  }

  /** Passes records [from, to) to the verifier of the stored chunk that they are read from. */
  add(verifier: TransactionChunkVerifier, block: RecordBlock, from: number, to: number): void {
    for (let at = from; at < to;) {
      const [end] = this.ends;
      const most = end === undefined ? to : Math.min(to, at + Number(end - this.next) + 1);
      const upTo = fittingRecords(block, at, most, this.open.bytes, this.maxChunkSize);
      if (upTo === at) {
        this.close();
        continue;
      }
      verifier.add(block, at, upTo); // it passes the hashes of their infos on to `leaves`
      this.open.bytes += block.end(upTo - 1) - block.start(at);
      this.next += BigInt(upTo - at);
      at = upTo;
      if (end !== undefined && this.next > end) {
        this.leaves.seal();
        this.ends.shift();
      }
    }
  }

  /** Ends the open chunk. Call it after the last record. */
  close(): void {
    if (this.open.bytes === 0) return;
    this.leaves.seal();
    const { first, left } = this.open;
    this.cuts.push({ first, last: this.next - 1n, left });
    this.open = { first: this.next, bytes: 0, left: this.leaves.leftSiblings() };
  }
}
