import { ACCUMULATOR_PLACEHOLDER, hash } from '../hash/seeds.js';
import type { AccumulatorName } from './verify-proof.js';

/**
 * An accumulator that grows and keeps every full subtree. So it can give roots, frontiers and proofs as of any
 * earlier size. For simulated chains: it takes about 64 bytes a leaf.
 */
export class Accumulator {
  private readonly levels: PackedHashes[] = [];

  constructor(private readonly name: AccumulatorName) {}

  get size(): number {
    return this.levels[0]?.count ?? 0;
  }

  append(leaf: Uint8Array): void {
    let node = leaf;
    for (let height = 0; ; height += 1) {
      const level = (this.levels[height] ??= new PackedHashes());
      level.push(node);
      if (level.count % 2 === 1) return;
      node = hash(this.name, level.at(level.count - 2), level.at(level.count - 1));
    }
  }

  /** The root after `size` leaves. */
  root(size = this.size): Uint8Array {
    return this.node(heightOf(size), 0, size);
  }

  /** The full subtrees that make up `size` leaves, largest first. */
  frontier(size = this.size): Uint8Array[] {
    const subtrees: Uint8Array[] = [];
    for (let height = heightOf(size); height >= 0; height -= 1) {
      const position = Math.floor(size / 2 ** height) - 1;
      if (Math.floor(size / 2 ** height) % 2 === 1)
        subtrees.push(this.node(height, position, size));
    }
    return subtrees;
  }

  /** Siblings of leaf `index`, nearest first. */
  leafProof(index: number, size = this.size): Uint8Array[] {
    const siblings: Uint8Array[] = [];
    for (let height = 0; height < heightOf(size); height += 1) {
      const position = Math.floor(index / 2 ** height);
      siblings.push(this.node(height, position % 2 === 1 ? position - 1 : position + 1, size));
    }
    return siblings;
  }

  /** Siblings of leaves `first` to `last`, nearest first. */
  rangeProof(
    first: number,
    last: number,
    size = this.size,
  ): { left: Uint8Array[]; right: Uint8Array[] } {
    const left: Uint8Array[] = [];
    const right: Uint8Array[] = [];
    for (let height = 0; height < heightOf(size); height += 1) {
      const from = Math.floor(first / 2 ** height);
      const to = Math.floor(last / 2 ** height);
      if (from % 2 === 1) left.push(this.node(height, from - 1, size));
      if (to % 2 === 0) right.push(this.node(height, to + 1, size));
    }
    return { left, right };
  }

  /** The node that covers leaves `position * 2^height`..., as of `size` leaves. */
  private node(height: number, position: number, size: number): Uint8Array {
    const start = position * 2 ** height;
    if (start >= size) return ACCUMULATOR_PLACEHOLDER;
    if (start + 2 ** height <= size) return this.levels[height]!.at(position);
    return hash(
      this.name,
      this.node(height - 1, position * 2, size),
      this.node(height - 1, position * 2 + 1, size),
    );
  }
}

/** Levels above the leaves of a tree of `size` leaves. */
function heightOf(size: number): number {
  return size <= 1 ? 0 : Math.ceil(Math.log2(size));
}

/** A list of hashes in one buffer that grows. */
class PackedHashes {
  count = 0;
  private bytes = new Uint8Array(32 * 16);

  push(value: Uint8Array): void {
    if ((this.count + 1) * 32 > this.bytes.length) {
      const grown = new Uint8Array(this.bytes.length * 2);
      grown.set(this.bytes);
      this.bytes = grown;
    }
    this.bytes.set(value, this.count * 32);
    this.count += 1;
  }

  at(index: number): Uint8Array {
    return this.bytes.subarray(index * 32, index * 32 + 32);
  }
}
