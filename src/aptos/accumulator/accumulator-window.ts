import type { BatchHasher } from '../hash/batch-hasher.js';
import { ACCUMULATOR_PLACEHOLDER, hash } from '../hash/seeds.js';

/** How many pairs are hashed in one call. This limits the hasher's memory. */
const BATCH_PAIRS = 4096;

/** The nodes of one height that lie wholly inside the window, one after another from position `start` on. */
interface Level {
  start: bigint;
  nodes: Uint8Array;
}

/**
 * A run of leaves of the transaction accumulator with every full subtree inside it, and what is left of it. It gives
 * the siblings at any leaf of the run (docs/formats.md, Accumulators). It takes about 64 bytes a leaf.
 */
export class AccumulatorWindow {
  private readonly levels: Level[];
  /** The full subtrees before the run, by `height:position`. */
  private readonly before = new Map<string, Uint8Array>();

  /**
   * `leaves`: the run from leaf `first` on, 32 bytes each. `leftSiblings`: those of a range proof of the run, which
   * the caller has checked.
   */
  constructor(
    hasher: BatchHasher,
    private readonly first: bigint,
    leaves: Uint8Array,
    leftSiblings: readonly Uint8Array[],
  ) {
    this.levels = levelsOf(hasher, first, leaves);
    let used = 0;
    for (let height = 0; first >> BigInt(height) > 0n; height += 1) {
      const above = first >> BigInt(height);
      if ((above & 1n) === 1n) this.before.set(keyOf(height, above - 1n), leftSiblings[used++]!);
    }
  }

  /** The memory that it takes. */
  get bytes(): number {
    return this.levels.reduce((sum, { nodes }) => sum + nodes.length, 0);
  }

  /** Siblings left of leaf `at` of the run, nearest first. */
  leftSiblings(at: bigint): Uint8Array[] {
    const siblings: Uint8Array[] = [];
    for (let height = 0; at >> BigInt(height) > 0n; height += 1) {
      const above = at >> BigInt(height);
      if ((above & 1n) === 1n) siblings.push(this.node(height, above - 1n, at, NOTHING));
    }
    return siblings;
  }

  /**
   * Siblings right of leaf `at` of the run, nearest first, as of `size` leaves. `beyond`: the right siblings of the
   * last leaf of the run as of that size. Without them, `size` must not reach beyond the run.
   */
  rightSiblings(at: bigint, size: bigint, beyond: readonly Uint8Array[] = []): Uint8Array[] {
    const known = this.beyond(beyond);
    const siblings: Uint8Array[] = [];
    for (let height = 0; (size - 1n) >> BigInt(height) > 0n; height += 1) {
      const above = at >> BigInt(height);
      if ((above & 1n) === 0n) siblings.push(this.node(height, above + 1n, size, known));
    }
    return siblings;
  }

  private beyond(siblings: readonly Uint8Array[]): ReadonlyMap<string, Uint8Array> {
    const known = new Map<string, Uint8Array>();
    const last = this.first + BigInt(this.levels[0]!.nodes.length / 32) - 1n;
    let used = 0;
    for (let height = 0; used < siblings.length; height += 1) {
      const above = last >> BigInt(height);
      if ((above & 1n) === 0n) known.set(keyOf(height, above + 1n), siblings[used++]!);
    }
    return known;
  }

  /** The node that covers leaves `position * 2^height`..., as of `size` leaves. */
  private node(
    height: number,
    position: bigint,
    size: bigint,
    beyond: ReadonlyMap<string, Uint8Array>,
  ): Uint8Array {
    const start = position << BigInt(height);
    if (start >= size) return ACCUMULATOR_PLACEHOLDER;
    const key = keyOf(height, position);
    const isFull = start + (1n << BigInt(height)) <= size;
    const known =
      this.before.get(key) ??
      beyond.get(key) ??
      (isFull ? this.inside(height, position) : undefined);
    if (known) return known;
    if (height === 0) throw new Error(`leaf ${position} is outside the window`);
    return hash(
      'TransactionAccumulator',
      this.node(height - 1, position * 2n, size, beyond),
      this.node(height - 1, position * 2n + 1n, size, beyond),
    );
  }

  private inside(height: number, position: bigint): Uint8Array | undefined {
    const level = this.levels[height];
    if (!level || position < level.start) return undefined;
    const at = Number(position - level.start) * 32;
    return at < level.nodes.length ? level.nodes.subarray(at, at + 32) : undefined;
  }
}

const NOTHING: ReadonlyMap<string, Uint8Array> = new Map();

function keyOf(height: number, position: bigint): string {
  return `${height}:${position}`;
}

function levelsOf(hasher: BatchHasher, first: bigint, leaves: Uint8Array): Level[] {
  const levels: Level[] = [{ start: first, nodes: leaves }];
  for (;;) {
    const { start, nodes } = levels.at(-1)!;
    // A node without its sibling inside the run has no parent here.
    const skipped = (start & 1n) === 1n ? 1 : 0;
    const pairs = Math.floor((nodes.length / 32 - skipped) / 2);
    if (pairs <= 0) return levels;
    const parents = hashNeighbours(hasher, nodes.subarray(skipped * 32), pairs);
    levels.push({ start: (start + 1n) >> 1n, nodes: parents });
  }
}

/** The parents of `pairs` pairs of nodes that lie one after another. */
function hashNeighbours(hasher: BatchHasher, nodes: Uint8Array, pairs: number): Uint8Array {
  const parents = new Uint8Array(pairs * 32);
  const from = hasher.region('window nodes', BATCH_PAIRS * 64);
  const table = hasher.region('window table', BATCH_PAIRS * 8);
  const to = hasher.region('window parents', BATCH_PAIRS * 32);
  for (let done = 0; done < pairs; done += BATCH_PAIRS) {
    const count = Math.min(BATCH_PAIRS, pairs - done);
    hasher.memory.set(nodes.subarray(done * 64, (done + count) * 64), from);
    for (let i = 0; i < count; i += 1) {
      hasher.words[(table >> 2) + 2 * i] = from + i * 64;
      hasher.words[(table >> 2) + 2 * i + 1] = from + i * 64 + 32;
    }
    hasher.hashPairs('TransactionAccumulator', table, count, to);
    parents.set(hasher.memory.subarray(to, to + count * 32), done * 32);
  }
  return parents;
}
