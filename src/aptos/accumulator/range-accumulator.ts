import { AptosDataError } from '../errors.js';
import type { BatchHasher } from '../hash/batch-hasher.js';
import { hash } from '../hash/seeds.js';
import { equalBytes } from '../hex.js';
import { Frontier } from './frontier.js';

/** What proving a run of leaves tells: the accumulator's frontiers before and after it. */
export interface RangeFrontiers {
  inFrontier: Uint8Array[];
  outFrontier: Uint8Array[];
}

/** A full subtree inside the run that nothing was joined to yet. */
interface Subtree {
  height: number;
  hash: Uint8Array;
}

/**
 * A run of leaves of the transaction accumulator that starts anywhere, in constant memory: leaves are
 * joined to full subtrees level by level, in batches. At every height at most one subtree waits for
 * its right sibling, and at most one (at the run's left edge) for a left sibling outside.
 */
export class RangeAccumulator {
  private count = 0n;
  /** Waiting for a right sibling that may still come, by height. */
  private readonly waiting = new Map<number, Uint8Array>();
  /** At the left edge: their left siblings lie before the run. */
  private readonly edge: Subtree[] = [];
  /** The last leaf is kept out, because the proof leads up from it. */
  private lastLeaf: Uint8Array | undefined;

  constructor(
    private readonly hasher: BatchHasher,
    private readonly first: bigint,
  ) {}

  /** Adds `count` leaves that lie one after another at address `leaves` of the hasher's memory. */
  add(leaves: number, count: number): void {
    if (count === 0) return;
    // In front of the leaves there is room for the one kept out and for one that waits for them.
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
    // Everything but the last leaf goes in; what was kept out before is the first of it.
    const position = this.first + total - 1n - BigInt(nodes);
    this.count = total;
    this.join(at, nodes, position);
  }

  /** Joins nodes at `start`, with 32 bytes free in front, upwards as far as they go. */
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
      // Parents overwrite what was read already; in front of them one place stays free.
      at += 32;
      this.hasher.hashPairs('TransactionAccumulator', table, pairs, at);
      nodes = pairs;
      position >>= 1n;
    }
  }

  /**
   * Checks that the run lies under `root`, with a range proof's siblings (nearest the leaves first).
   * May be called again. @throws AptosDataError RANGE_PROOF_MISMATCH
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
    for (const { height, hash: subtree } of this.edge) frontier.add(height, subtree);
    const rising = [...this.waiting.entries()].sort(([a], [b]) => b - a);
    for (const [height, subtree] of rising) frontier.add(height, subtree);
    if (!equalBytes(this.rootFrom(frontier, right), root)) {
      throw new AptosDataError(
        'RANGE_PROOF_MISMATCH',
        `transactions ${this.first} to ${this.first + this.count - 1n} are not under the root of the proof's ledger info`,
      );
    }
    frontier.add(0, this.lastLeaf);
    return { inFrontier, outFrontier: frontier.subtrees() };
  }

  /** Up from the last leaf: the frontier before it on the left, the proof's siblings on the right. */
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
