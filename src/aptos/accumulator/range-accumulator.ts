import { AptosDataError } from '../data-error.js';
import type { BatchHasher } from '../hash/batch-hasher.js';
import { hash } from '../hash/seeds.js';
import { equalBytes } from '../hex.js';
import { Frontier } from './accumulator-frontier.js';

/** What the proof of a run of leaves gives: the frontiers of the accumulator before and after the run. */
export interface RangeFrontiers {
  inFrontier: Uint8Array[];
  outFrontier: Uint8Array[];
  /** Roots of the whole accumulator after each leaf at which `mark` was called, in that order. */
  roots: Uint8Array[];
}

/** The state of a run after its last leaf: few hashes, however many leaves it has. */
interface Run {
  edge: readonly Subtree[];
  waiting: ReadonlyMap<number, Uint8Array>;
  lastLeaf: Uint8Array;
}

/** A full subtree inside the run whose sibling is not there yet. */
interface Subtree {
  height: number;
  hash: Uint8Array;
}

/**
 * A run of leaves of the transaction accumulator, in constant memory (docs/formats.md, Accumulators). The run may
 * start at any leaf. Leaves are joined to full subtrees level by level, in batches. At every height, at most one
 * subtree waits for its right sibling, and at most one (at the left edge) for a left sibling before the run.
 */
export class RangeAccumulator {
  private count = 0n;
  /** Subtrees that wait for a right sibling, by height. */
  readonly waiting = new Map<number, Uint8Array>();
  /** Subtrees at the left edge: their left siblings lie before the run. */
  readonly edge: Subtree[] = [];
  /** The last leaf is not joined, because the proof starts at it. */
  private lastLeaf: Uint8Array | undefined;
  private readonly marks: Run[] = [];

  constructor(
    private readonly hasher: BatchHasher,
    private readonly first: bigint,
  ) {}

  /** Adds `count` leaves of 32 bytes, which lie one after another at address `leaves` of the hasher's memory. */
  add(leaves: number, count: number): void {
    if (count === 0) return;
    // Two free places in front of the leaves: for the last leaf of before, and for a subtree that waits for a sibling.
    const level = this.hasher.region('accumulator level', (count + 3) * 32);
    const { memory } = this.hasher;
    let at = level + 64;
    let nodes = count;
    memory.copyWithin(at, leaves, leaves + count * 32);
    if (this.lastLeaf) {
      at -= 32;
      nodes += 1;
      memory.set(this.lastLeaf, at);
    }
    const total = this.count + BigInt(count);
    nodes -= 1;
    this.lastLeaf = memory.slice(at + nodes * 32, at + nodes * 32 + 32);
    // All leaves but the last are joined now, and the last leaf of the call before is the first of them.
    const position = this.first + total - 1n - BigInt(nodes);
    this.count = total;
    this.join(at, nodes, position);
  }

  /** The full subtrees that the run consists of, from left to right. */
  tiles(): { height: number; position: bigint; hash: Uint8Array }[] {
    const rising = [...this.waiting.entries()].sort(([a], [b]) => b - a);
    const parts = [
      ...this.edge,
      ...rising.map(([height, subtree]) => ({ height, hash: subtree })),
      ...(this.lastLeaf ? [{ height: 0, hash: this.lastLeaf }] : []),
    ];
    let leaf = this.first;
    return parts.map((part) => {
      const position = leaf >> BigInt(part.height);
      leaf += 1n << BigInt(part.height);
      return { ...part, position };
    });
  }

  /** Asks `prove` for the root of the whole accumulator after the leaf that was added last. */
  mark(): void {
    if (!this.lastLeaf) throw new Error('there is no leaf yet');
    const { edge, waiting, lastLeaf } = this;
    this.marks.push({ edge: [...edge], waiting: new Map(waiting), lastLeaf });
  }

  /**
   * Joins `count` nodes at address `start` to subtrees, level by level. `first` is the position of the first one.
   * The 32 bytes before `start` must be free.
   */
  private join(start: number, count: number, first: bigint): void {
    const table = this.hasher.region('accumulator table', (count + 2) * 8);
    const { words, memory } = this.hasher;
    let at = start;
    let nodes = count;
    let position = first;
    for (let height = 0; nodes > 0; height += 1) {
      const partner = this.waiting.get(height);
      if (partner) {
        at -= 32;
        nodes += 1;
        position -= 1n;
        memory.set(partner, at);
        this.waiting.delete(height);
      } else if ((position & 1n) === 1n) {
        this.edge.push({ height, hash: memory.slice(at, at + 32) });
        at += 32;
        nodes -= 1;
        position += 1n;
      }
      if (nodes % 2 === 1) {
        nodes -= 1;
        this.waiting.set(height, memory.slice(at + nodes * 32, at + nodes * 32 + 32));
      }
      const pairs = nodes / 2;
      for (let i = 0; i < pairs; i += 1) {
        words[(table >> 2) + 2 * i] = at + i * 64;
        words[(table >> 2) + 2 * i + 1] = at + i * 64 + 32;
      }
      // Parents overwrite their children, which are hashed already. One place in front of them stays free.
      at += 32;
      this.hasher.hashPairs('TransactionAccumulator', table, pairs, at);
      nodes = pairs;
      position >>= 1n;
    }
  }

  /**
   * Checks that the run lies under `root`. `left` and `right` are the siblings of a range proof, nearest the leaves
   * first. Can be called several times. @throws AptosDataError RANGE_PROOF_MISMATCH
   */
  prove(
    root: Uint8Array,
    left: readonly Uint8Array[],
    right: readonly Uint8Array[],
  ): RangeFrontiers {
    const frontier = Frontier.before(this.first, left);
    if (!frontier || !this.lastLeaf) {
      throw new AptosDataError(
        'RANGE_PROOF_MISMATCH',
        `the proof has ${left.length} left siblings, which does not fit to a run from ${this.first}`,
      );
    }
    const inFrontier = frontier.subtrees();
    addAllButLast(frontier, this);
    if (!equalBytes(this.rootFrom(frontier, right), root)) {
      throw new AptosDataError(
        'RANGE_PROOF_MISMATCH',
        `transactions ${this.first} to ${this.first + this.count - 1n} are not under the root of the proof's ledger info`,
      );
    }
    frontier.add(0, this.lastLeaf);
    const roots = this.marks.map((run) => {
      const at = Frontier.before(this.first, left)!;
      addAllButLast(at, run);
      at.add(0, run.lastLeaf);
      return at.root();
    });
    return { inFrontier, outFrontier: frontier.subtrees(), roots };
  }

  /** The root, from the last leaf up. Left siblings are in the frontier before it, right siblings in the proof. */
  private rootFrom(frontier: Frontier, right: readonly Uint8Array[]): Uint8Array {
    let node = this.lastLeaf!;
    let used = 0;
    let above = this.first + this.count - 1n;
    for (let height = 0; above > 0n || used < right.length; height += 1) {
      const sibling = (above & 1n) === 1n ? frontier.at(height) : right[used++];
      if (!sibling) {
        throw new AptosDataError(
          'RANGE_PROOF_MISMATCH',
          `the proof has too few right siblings (${right.length})`,
        );
      }
      node =
        (above & 1n) === 1n
          ? hash('TransactionAccumulator', sibling, node)
          : hash('TransactionAccumulator', node, sibling);
      above >>= 1n;
    }
    return node;
  }
}

function addAllButLast(frontier: Frontier, { edge, waiting }: Omit<Run, 'lastLeaf'>): void {
  for (const { height, hash: subtree } of edge) frontier.add(height, subtree);
  const rising = [...waiting.entries()].sort(([a], [b]) => b - a);
  for (const [height, subtree] of rising) frontier.add(height, subtree);
}
