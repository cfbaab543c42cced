import { AptosDataError } from '../data-error.js';
import type { BatchHasher } from '../hash/batch-hasher.js';
import { ACCUMULATOR_PLACEHOLDER, hash } from '../hash/seeds.js';
import { Frontier } from './accumulator-frontier.js';
import { RangeAccumulator } from './range-accumulator.js';

/** The siblings to the right of a leaf, in the accumulator of `size` leaves; nearest the leaf first. */
export interface RightSiblings {
  last: bigint;
  siblings: readonly Uint8Array[];
}

/**
 * A run of leaves of the transaction accumulator that makes the siblings of range proofs for parts of it
 * (docs/formats.md, Consolidated batches). Call `seal` wherever a part or a tree is to end. It keeps only the full
 * subtrees of the parts between: some forty hashes each, however many leaves there are.
 */
export class KnownLeaves {
  /** Full subtrees, by height and position. None reaches over a place that was sealed. */
  private readonly subtrees = new Map<string, Uint8Array>();
  private readonly frontier: Frontier;
  private open: RangeAccumulator;
  private isOpen = false;
  private next: bigint;
  /** The nodes above them that were needed so far, of one tree. */
  private made = { size: 0n, nodes: new Map<string, Uint8Array>() };

  /**
   * `left`: the siblings to the left of leaf `first`, from a range proof.
   * @throws AptosDataError RANGE_PROOF_MISMATCH when their number does not fit `first`
   */
  constructor(
    private readonly hasher: BatchHasher,
    first: bigint,
    left: readonly Uint8Array[],
  ) {
    const frontier = Frontier.before(first, left);
    if (!frontier) {
      const why = `${left.length} left siblings do not fit leaf ${first}`;
      throw new AptosDataError('RANGE_PROOF_MISMATCH', why);
    }
    this.frontier = frontier;
    this.open = new RangeAccumulator(hasher, first);
    this.next = first;
  }

  /** Adds `count` leaves, which lie one after another at address `leaves` of the hasher's memory. */
  add(leaves: number, count: number): void {
    if (count === 0) return;
    this.open.add(leaves, count);
    this.next += BigInt(count);
    this.isOpen = true;
  }

  /** Ends the open part. The next leaf begins another. */
  seal(): void {
    if (!this.isOpen) return;
    for (const { height, position, hash: subtree } of this.open.tiles()) {
      this.subtrees.set(keyOf(height, position), subtree);
      this.frontier.add(height, subtree);
    }
    this.open = new RangeAccumulator(this.hasher, this.next);
    this.isOpen = false;
  }

  /** The siblings to the left of the next leaf, nearest first. Call it after `seal`. */
  leftSiblings(): Uint8Array[] {
    return this.frontier.subtrees().reverse();
  }

  /**
   * The siblings to the right of leaf `last`, nearest first, in the accumulator of `size` leaves. `beyond`: those of
   * the last leaf that is known, for an accumulator that has more leaves. Parts must have been sealed after `last` and
   * after leaf `size - 1`.
   */
  rightSiblings(last: bigint, size: bigint, beyond?: RightSiblings): Uint8Array[] {
    if (this.made.size !== size) this.made = { size, nodes: new Map() };
    const siblings: Uint8Array[] = [];
    for (let height = 0; size > 1n << BigInt(height); height += 1) {
      const position = last >> BigInt(height);
      if ((position & 1n) === 0n) siblings.push(this.node(height, position + 1n, size, beyond));
    }
    return siblings;
  }

  private node(
    height: number,
    position: bigint,
    size: bigint,
    beyond: RightSiblings | undefined,
  ): Uint8Array {
    const start = position << BigInt(height);
    if (start >= size) return ACCUMULATOR_PLACEHOLDER;
    if (start >= this.next) return siblingAt(height, position, beyond);
    const key = keyOf(height, position);
    const known = this.subtrees.get(key) ?? this.made.nodes.get(key);
    if (known) return known;
    if (height === 0) throw new Error(`the hash of leaf ${position} is not known`);
    const left = this.node(height - 1, position * 2n, size, beyond);
    const right = this.node(height - 1, position * 2n + 1n, size, beyond);
    const node = hash('TransactionAccumulator', left, right);
    this.made.nodes.set(key, node);
    return node;
  }
}

/** A subtree that lies wholly behind the last known leaf: it is a sibling of that leaf's own way up. */
function siblingAt(
  height: number,
  position: bigint,
  beyond: RightSiblings | undefined,
): Uint8Array {
  let index = 0;
  for (let below = 0; beyond && below < height; below += 1) {
    if (((beyond.last >> BigInt(below)) & 1n) === 0n) index += 1;
  }
  const isSibling = beyond && position === (beyond.last >> BigInt(height)) + 1n;
  const sibling = isSibling && (position & 1n) === 1n ? beyond.siblings[index] : undefined;
  if (!sibling) throw new Error(`no hash is known at height ${height}, position ${position}`);
  return sibling;
}

function keyOf(height: number, position: bigint): string {
  return `${height} ${position}`;
}
