import { AptosDataError } from '../errors.js';
import type { BatchHasher } from '../hash/batch-hasher.js';
import { SPARSE_MERKLE_PLACEHOLDER } from '../hash/seeds.js';
import { toHex } from '../hex.js';
import { bitAt, commonPrefix, zeroBits } from './bits.js';
import { canonicalFrontier } from './frontier.js';
import { HashPlan } from './hash-plan.js';
import { innerNode, lift } from './node.js';

/** What a run of leaves and the siblings right of it tell. */
export type RunProof = { outFrontier: Uint8Array[]; isLast: boolean } & (
  { root: Uint8Array } | { inFrontier: Uint8Array[] }
);

/** The subtree of all leaves so far that share the last leaf's first `splitBit` bits and differ there. */
interface Waiting {
  splitBit: number;
  depth: number;
  key: Uint8Array;
  hash: Uint8Array;
}

/** The same while its hash is only planned; `key` is an address. */
interface Planned {
  splitBit: number;
  depth: number;
  key: number;
  node: number;
}

/**
 * A run of consecutive leaves of a state tree, in constant memory (docs/formats.md, State tree).
 * Leaves are joined in one pass; those right of the previous key fall into groups, one for each of
 * its bits where they branch off, and a group's root is the previous key's right sibling there.
 */
export class LeafRun {
  private readonly plan: HashPlan;
  private waiting: Waiting[] = [];
  /** Roots of groups that are complete, by the depth of the bit of the previous key. */
  private readonly siblings = new Map<number, Uint8Array>();
  private held: { key: Uint8Array; hash: Uint8Array } | undefined;
  /** Depth of the root of the group that leaves go into now. */
  private groupDepth = 0;
  /** Leading bits that the held leaf shares with the key before it. */
  private shared = -1;

  /** @param previousKey key hash of the leaf before the run; undefined when the run starts the tree */
  constructor(
    private readonly hasher: BatchHasher,
    private readonly previousKey: Uint8Array | undefined,
  ) {
    this.plan = new HashPlan(hasher);
  }

  /**
   * Adds leaves that lie in the hasher's memory: key hash i at `leaves + i * 64`, value hash behind
   * it. `describe` names a leaf for errors. @throws AptosDataError STATE_KEY_ORDER
   */
  add(leaves: number, count: number, describe: (index: number) => string): void {
    if (count === 0) return;
    const hashes = this.hashLeaves(leaves, count);
    const carried = this.hasher.region('leaf run carried', (256 + 2) * 64);
    const { memory, plan } = this;
    const placeholder = carried + 257 * 64;
    memory.set(SPARSE_MERKLE_PLACEHOLDER, placeholder);
    const stack: Planned[] = this.waiting.map((entry, i) => {
      memory.set(entry.key, carried + i * 64);
      memory.set(entry.hash, carried + i * 64 + 32);
      const { splitBit, depth } = entry;
      return { splitBit, depth, key: carried + i * 64, node: carried + i * 64 + 32 };
    });
    const finished: { depth: number; node: number }[] = [];

    const lifted = (node: number, key: number, from: number, to: number): number => {
      let result = node;
      for (let depth = from - 1; depth >= to; depth -= 1) {
        const right = (memory[key + (depth >> 3)]! >> (7 - (depth & 7))) & 1;
        result = right === 1 ? plan.pair(placeholder, result) : plan.pair(result, placeholder);
      }
      return result;
    };
    /** Places a leaf, now that it is known how much it shares with the next one. */
    const place = (key: number, leaf: number, next: number): void => {
      let node = leaf;
      let depth = 1 + Math.max(this.shared, next);
      for (let top = stack.at(-1); top && top.splitBit > next; top = stack.at(-1)) {
        stack.pop();
        const left = lifted(top.node, top.key, top.depth, top.splitBit + 1);
        node = plan.pair(left, lifted(node, key, depth, top.splitBit + 1));
        depth = top.splitBit;
      }
      if (next >= this.groupDepth) {
        stack.push({ splitBit: next, depth, key, node });
      } else {
        const root = lifted(node, key, depth, this.groupDepth);
        finished.push({ depth: this.groupDepth - 1, node: root });
        this.groupDepth = next + 1;
      }
      this.shared = next;
    };

    let previous: number | undefined;
    let previousHash = 0;
    if (this.held) {
      previous = carried + 256 * 64;
      previousHash = previous + 32;
      memory.set(this.held.key, previous);
      memory.set(this.held.hash, previousHash);
    }
    for (let i = 0; i < count; i += 1) {
      const key = leaves + i * 64;
      if (previous !== undefined) {
        place(previous, previousHash, this.ascent(memory, previous, key, i, describe));
      } else if (this.previousKey) {
        this.shared = this.ascent(this.previousKey, 0, key, i, describe);
        this.groupDepth = this.shared + 1;
      }
      previous = key;
      previousHash = hashes + i * 32;
    }

    plan.run();
    const at = (address: number) => this.memory.slice(address, address + 32);
    this.waiting = stack.map(({ splitBit, depth, key, node }) => {
      return { splitBit, depth, key: at(key), hash: at(plan.address(node)) };
    });
    for (const { depth, node } of finished) this.siblings.set(depth, at(plan.address(node)));
    this.held = { key: at(previous!), hash: at(previousHash) };
    plan.clear();
  }

  get lastKey(): Uint8Array {
    if (!this.held) throw new Error('the run has no leaf yet');
    return this.held.key;
  }

  /**
   * What the siblings right of the run's last key make of it: the whole tree's root for a run that
   * starts it, else what the siblings right of the previous key must be. May be called again.
   * @throws AptosDataError STATE_PROOF_MISMATCH when their number does not fit to the leaves
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
    // Above the last group the previous key and the last key run together, and so do their siblings.
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

  /** Leading bits two neighbouring keys share; the second must be the greater one. */
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
