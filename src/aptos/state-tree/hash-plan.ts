import type { BatchHasher } from '../hash/batch-hasher.js';

/**
 * Collects pairs of nodes to hash, then hashes all of them level by level in a few large batches. A node is a number:
 * the address of a known hash, or a result of `pair`, whose hash is not known before `run`.
 */
export class HashPlan {
  private lefts = new Float64Array(1024);
  private rights = new Float64Array(1024);
  private levels = new Uint16Array(1024);
  private results = new Float64Array(1024);
  private readonly perLevel: number[] = [];
  private count = 0;

  constructor(private readonly hasher: BatchHasher) {}

  /** Plans `hash(left ‖ right)` and returns its node. The number is negative; addresses are not. */
  pair(left: number, right: number): number {
    if (this.count === this.lefts.length) this.grow();
    const index = this.count;
    this.count += 1;
    const level = Math.max(this.levelOf(left), this.levelOf(right));
    this.lefts[index] = left;
    this.rights[index] = right;
    this.levels[index] = level + 1;
    this.perLevel[level] = (this.perLevel[level] ?? 0) + 1;
    return -1 - index;
  }

  /** Hashes all planned pairs. After it, `address` gives their places, until `clear`. */
  run(): void {
    const table = this.hasher.region('hash plan table', this.count * 8);
    const out = this.hasher.region('hash plan results', this.count * 32);
    const { words } = this.hasher;
    const starts: number[] = [];
    let total = 0;
    for (const onLevel of this.perLevel) {
      starts.push(total);
      total += onLevel;
    }
    const next = [...starts];
    for (let i = 0; i < this.count; i += 1) {
      const place = next[this.levels[i]! - 1]!++;
      this.results[i] = out + place * 32;
    }
    // A second loop, because a part may be a pair whose place is known only now.
    for (let i = 0; i < this.count; i += 1) {
      const entry = (table >> 2) + ((this.results[i]! - out) / 32) * 2;
      words[entry] = this.address(this.lefts[i]!);
      words[entry + 1] = this.address(this.rights[i]!);
    }
    for (let level = 0; level < this.perLevel.length; level += 1) {
      const start = starts[level]!;
      const onLevel = this.perLevel[level]!;
      this.hasher.hashPairs('SparseMerkleInternal', table + start * 8, onLevel, out + start * 32);
    }
  }

  /** The address of the hash of a node. */
  address(node: number): number {
    return node >= 0 ? node : this.results[-1 - node]!;
  }

  clear(): void {
    this.count = 0;
    this.perLevel.length = 0;
  }

  private levelOf(node: number): number {
    return node >= 0 ? 0 : this.levels[-1 - node]!;
  }

  private grow(): void {
    const size = this.lefts.length * 2;
    this.lefts = copied(new Float64Array(size), this.lefts);
    this.rights = copied(new Float64Array(size), this.rights);
    this.results = copied(new Float64Array(size), this.results);
    this.levels = copied(new Uint16Array(size), this.levels);
  }
}

function copied<T extends Float64Array | Uint16Array>(to: T, from: T): T {
  to.set(from);
  return to;
}
