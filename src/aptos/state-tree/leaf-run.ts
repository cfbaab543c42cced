import { AptosDataError } from '../data-error.js';
import type { BatchHasher } from '../hash/batch-hasher.js';
import { SPARSE_MERKLE_PLACEHOLDER } from '../hash/seeds.js';
import { toHex } from '../hex.js';
import { bitAt, commonPrefix, zeroBits } from './bits.js';
import { canonicalFrontier } from './state-frontier.js';
import { HashPlan } from './hash-plan.js';
import { LeafJoin } from './leaf-join.js';
import { innerNode, lift } from './node.js';

/**
 * What a run of leaves and the siblings right of it give: the root if the run starts the tree, else the in-frontier.
 * `isLast`: nothing lies right of the run.
 */
export type RunProof = { outFrontier: Uint8Array[]; isLast: boolean } & (
  { root: Uint8Array } | { inFrontier: Uint8Array[] }
);

/**
 * A subtree left of the last leaf that waits for the subtree of the last leaf. Its leaves share the first `splitBit`
 * bits with the last leaf and differ in the next bit.
 */
interface Waiting {
  splitBit: number;
  depth: number;
  key: Uint8Array;
  hash: Uint8Array;
}

/**
 * A run of consecutive leaves of a state tree, in constant memory (docs/formats.md, State tree). Leaves are joined in
 * one pass. Each leaf branches off from the path of the previous key at some bit; leaves with the same bit form a
 * group. The root of a group is the right sibling of the previous key at that bit.
 */
export class LeafRun {
  private readonly plan: HashPlan;
  private waiting: Waiting[] = [];
  /** Roots of complete groups, by the bit of the previous key at which they branch off. */
  private readonly siblings = new Map<number, Uint8Array>();
  /** The last leaf. It is joined when the next leaf is known. */
  private held: { key: Uint8Array; hash: Uint8Array } | undefined;
  /** Depth of the root of the present group. */
  private groupDepth = 0;
  /** How many leading bits the held leaf shares with the key before it. */
  private shared = -1;

  /** @param previousKey key hash of the leaf before the run; undefined when the run starts the tree */
  constructor(
    private readonly hasher: BatchHasher,
    private readonly previousKey: Uint8Array | undefined,
  ) {
    this.plan = new HashPlan(hasher);
  }

  /**
   * Adds `count` leaves from the hasher's memory: key hash i lies at `leaves + i * 64`, its value hash follows.
   * `describe` names leaf i in error messages. @throws AptosDataError STATE_KEY_ORDER
   */
  add(leaves: number, count: number, describe: (index: number) => string): void {
    if (count === 0) return;
    const hashes = this.hashLeaves(leaves, count);
    const { join, held } = this.carryIn();
    let previous = held;
    let previousHash = held === undefined ? 0 : held + 32;
    for (let i = 0; i < count; i += 1) {
      const key = leaves + i * 64;
      if (previous !== undefined) {
        join.place(previous, previousHash, this.ascent(this.memory, previous, key, i, describe));
      } else if (this.previousKey) {
        join.branchOff(this.ascent(this.previousKey, 0, key, i, describe));
      }
      previous = key;
      previousHash = hashes + i * 32;
    }
    this.plan.run();
    this.carryOut(join);
    this.held = { key: this.at(previous!), hash: this.at(previousHash) };
    this.plan.clear();
  }

  /** Lays what earlier batches left into the hasher's memory. `held`: the address of the last leaf's key, its hash follows. */
  private carryIn(): { join: LeafJoin; held: number | undefined } {
    const carried = this.hasher.region('leaf run carried', (256 + 2) * 64);
    const { memory, plan, waiting, groupDepth, shared } = this; // a new region may move the memory
    const placeholder = carried + 257 * 64;
    memory.set(SPARSE_MERKLE_PLACEHOLDER, placeholder);
    const planned = waiting.map(({ splitBit, depth, key, hash }, i) => {
      const at = carried + i * 64;
      memory.set(key, at);
      memory.set(hash, at + 32);
      return { splitBit, depth, key: at, node: at + 32 };
    });
    const join = new LeafJoin(memory, plan, placeholder, { waiting: planned, groupDepth, shared });
    if (!this.held) return { join, held: undefined };
    const held = carried + 256 * 64;
    memory.set(this.held.key, held);
    memory.set(this.held.hash, held + 32);
    return { join, held };
  }

  /** Copies what the next batch needs out of the hasher's memory, which others use in between. */
  private carryOut({ waiting, groups, groupDepth, shared }: LeafJoin): void {
    this.waiting = waiting.map(({ splitBit, depth, key, node }) => {
      return { splitBit, depth, key: this.at(key), hash: this.at(this.plan.address(node)) };
    });
    for (const { depth, node } of groups) {
      this.siblings.set(depth, this.at(this.plan.address(node)));
    }
    this.groupDepth = groupDepth;
    this.shared = shared;
  }

  /** A copy of the 32 bytes at an address of the hasher's memory. */
  private at(address: number): Uint8Array {
    return this.memory.slice(address, address + 32);
  }

  get lastKey(): Uint8Array {
    if (!this.held) throw new Error('the run has no leaf yet');
    return this.held.key;
  }

  /**
   * Computes what the leaves give together with `right`, the siblings right of the last key (bottom first): the root
   * of the tree if the run starts it, else the in-frontier, which is the siblings right of the previous key. Can be
   * called several times. @throws AptosDataError STATE_PROOF_MISMATCH when the number of siblings does not fit
   */
  prove(right: readonly Uint8Array[]): RunProof {
    const { held, previousKey, groupDepth } = this;
    if (!held) throw new Error('the run has no leaf yet');
    const zeros = zeroBits(held.key);
    const top = this.waiting.at(-1);
    const depthLeft = top ? top.splitBit + 1 : groupDepth;
    const depthRight = right.length === 0 ? 0 : (zeros[right.length - 1] ?? 256) + 1;
    const bottom = Math.max(groupDepth, depthLeft, depthRight);
    if (zeros.filter((z) => z < bottom).length !== right.length) {
      throw new AptosDataError(
        'STATE_PROOF_MISMATCH',
        `the proof has ${right.length} siblings right of key ${toHex(held.key)}, which does not fit to the leaves before it`,
      );
    }
    let used = 0;
    let node = held.hash;
    for (let depth = bottom - 1; depth >= groupDepth; depth -= 1) {
      node =
        bitAt(held.key, depth) === 1
          ? innerNode(this.leftOf(depth), node)
          : innerNode(node, right[used++]!);
    }
    const outFrontier = canonicalFrontier(right);
    const known = { outFrontier, isLast: outFrontier.length === 0 };
    if (!previousKey) return { ...known, root: node };
    // Above the last group, the paths of the previous key and of the last key are the same, and so are their siblings.
    const above = zeros.filter((z) => z < groupDepth - 1).reverse();
    const shared = new Map(above.map((bit, i) => [bit, right[used + i]]));
    const siblings = zeroBits(previousKey)
      .reverse()
      .map((bit) => {
        if (bit === groupDepth - 1) return node;
        return this.siblings.get(bit) ?? shared.get(bit) ?? SPARSE_MERKLE_PLACEHOLDER;
      });
    return { ...known, inFrontier: canonicalFrontier(siblings) };
  }

  private get memory(): Uint8Array {
    return this.hasher.memory;
  }

  private leftOf(depth: number): Uint8Array {
    const entry = this.waiting.find(({ splitBit }) => splitBit === depth);
    return entry ? lift(entry.hash, entry.key, entry.depth, depth + 1) : SPARSE_MERKLE_PLACEHOLDER;
  }

  private hashLeaves(leaves: number, count: number): number {
    const table = this.hasher.region('leaf run table', count * 8);
    const hashes = this.hasher.region('leaf run hashes', count * 32);
    const { words } = this.hasher;
    for (let i = 0; i < count; i += 1) {
      words[(table >> 2) + 2 * i] = leaves + i * 64;
      words[(table >> 2) + 2 * i + 1] = leaves + i * 64 + 32;
    }
    this.hasher.hashPairs('SparseMerkleLeafNode', table, count, hashes);
    return hashes;
  }

  /** How many leading bits two neighbouring keys share. The second key must be greater. @throws STATE_KEY_ORDER */
  private ascent(
    before: Uint8Array,
    beforeAt: number,
    key: number,
    index: number,
    describe: (index: number) => string,
  ): number {
    const { memory } = this;
    const shared = commonPrefix(before, beforeAt, memory, key);
    const greater =
      shared < 256 && ((memory[key + (shared >> 3)]! >> (7 - (shared & 7))) & 1) === 1;
    if (greater) return shared;
    const why = shared === 256 ? 'the same key as' : 'a key below that of';
    throw new AptosDataError(
      'STATE_KEY_ORDER',
      `${describe(index)} has ${why} the item before it: ${toHex(memory.slice(key, key + 32))}`,
    );
  }
}
