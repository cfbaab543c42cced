import type { BatchHasher } from '../hash/batch-hasher.js';
import { SPARSE_MERKLE_PLACEHOLDER } from '../hash/seeds.js';
import { commonPrefix } from './bits.js';
import { HashPlan } from './hash-plan.js';
import { innerNode, leafNode, lift } from './node.js';

/** Subtrees with up to so many leaves are hashed in one batch. */
const BATCH_LEAVES = 4096;

/**
 * A whole state tree over sorted leaves that can prove any key. For simulated chains. It keeps one hash for each node
 * with two children that are not empty (32 bytes a leaf), and computes the others when they are needed.
 */
export class StateTree {
  readonly root: Uint8Array;
  private readonly branches: Uint8Array;

  /** `keys` and `values` hold 32-byte hashes one after another. Keys must strictly ascend. */
  constructor(
    private readonly keys: Uint8Array,
    private readonly values: Uint8Array,
    hasher: BatchHasher,
  ) {
    this.branches = new Uint8Array(keys.length);
    const plan = new HashPlan(hasher);
    this.build(0, this.count, hasher, plan);
    this.root = this.subtree(0, this.count, 0);
  }

  get count(): number {
    return this.keys.length / 32;
  }

  key(index: number): Uint8Array {
    return this.keys.subarray(index * 32, index * 32 + 32);
  }

  /** The index of the leaf with this key hash, or undefined. */
  indexOf(key: Uint8Array): number | undefined {
    let from = 0;
    let to = this.count;
    while (from < to) {
      const middle = (from + to) >> 1;
      const order = Buffer.compare(this.key(middle), key);
      if (order === 0) return middle;
      if (order < 0) from = middle + 1;
      else to = middle;
    }
    return undefined;
  }

  /** Siblings right of leaf `index`, bottom first. */
  rangeProof(index: number): Uint8Array[] {
    const siblings: Uint8Array[] = [];
    let from = 0;
    let to = this.count;
    for (let depth = 0; to - from > 1; depth += 1) {
      const middle = this.split(from, to, depth);
      if (index < middle) {
        siblings.push(this.subtree(middle, to, depth + 1));
        to = middle;
      } else {
        from = middle;
      }
    }
    return siblings.reverse();
  }

  /** Root at `depth` of leaves [from, to), which share their first `depth` bits. */
  private subtree(from: number, to: number, depth: number): Uint8Array {
    if (to === from) return SPARSE_MERKLE_PLACEHOLDER;
    if (to - from === 1) return leafNode(this.key(from), this.value(from));
    const shared = this.shared(from, to);
    const middle = this.split(from, to, shared);
    return lift(this.branch(middle), this.key(from), shared, depth);
  }

  /** Fills in `branches` for leaves [from, to). */
  private build(from: number, to: number, hasher: BatchHasher, plan: HashPlan): void {
    if (to - from < 2) return;
    if (to - from <= BATCH_LEAVES) {
      this.buildBatch(from, to, hasher, plan);
      return;
    }
    const shared = this.shared(from, to);
    const middle = this.split(from, to, shared);
    this.build(from, middle, hasher, plan);
    this.build(middle, to, hasher, plan);
    const left = this.subtree(from, middle, shared + 1);
    this.branches.set(innerNode(left, this.subtree(middle, to, shared + 1)), middle * 32);
  }

  private buildBatch(from: number, to: number, hasher: BatchHasher, plan: HashPlan): void {
    const leaves = hasher.region('state tree leaves', BATCH_LEAVES * 64 + 32);
    const hashes = hasher.region('state tree hashes', BATCH_LEAVES * 32);
    const table = hasher.region('state tree table', BATCH_LEAVES * 8);
    const placeholder = leaves + BATCH_LEAVES * 64;
    hasher.memory.set(SPARSE_MERKLE_PLACEHOLDER, placeholder);
    for (let i = from; i < to; i += 1) {
      const at = leaves + (i - from) * 64;
      hasher.memory.set(this.key(i), at);
      hasher.memory.set(this.value(i), at + 32);
      hasher.words[(table >> 2) + 2 * (i - from)] = at;
      hasher.words[(table >> 2) + 2 * (i - from) + 1] = at + 32;
    }
    hasher.hashPairs('SparseMerkleLeafNode', table, to - from, hashes);
    const planned: { middle: number; node: number }[] = [];
    const nodeAt = (low: number, high: number, depth: number): number => {
      if (high - low === 1) return hashes + (low - from) * 32;
      const shared = this.shared(low, high);
      const middle = this.split(low, high, shared);
      const left = nodeAt(low, middle, shared + 1);
      let node = plan.pair(left, nodeAt(middle, high, shared + 1));
      planned.push({ middle, node });
      for (let at = shared - 1; at >= depth; at -= 1) {
        const right = (this.keys[low * 32 + (at >> 3)]! >> (7 - (at & 7))) & 1;
        node = right === 1 ? plan.pair(placeholder, node) : plan.pair(node, placeholder);
      }
      return node;
    };
    nodeAt(from, to, this.shared(from, to));
    plan.run();
    for (const { middle, node } of planned) {
      const at = plan.address(node);
      this.branches.set(hasher.memory.subarray(at, at + 32), middle * 32);
    }
    plan.clear();
  }

  private shared(from: number, to: number): number {
    return commonPrefix(this.keys, from * 32, this.keys, (to - 1) * 32);
  }

  /** The index of the first leaf in [from, to) whose bit at `depth` is 1; `to` when there is none. */
  private split(from: number, to: number, depth: number): number {
    let low = from;
    let high = to;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (((this.keys[middle * 32 + (depth >> 3)]! >> (7 - (depth & 7))) & 1) === 1) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  private value(index: number): Uint8Array {
    return this.values.subarray(index * 32, index * 32 + 32);
  }

  private branch(middle: number): Uint8Array {
    return this.branches.subarray(middle * 32, middle * 32 + 32);
  }
}
