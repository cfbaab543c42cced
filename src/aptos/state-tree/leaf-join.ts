import type { HashPlan } from './hash-plan.js';

/**
 * A subtree left of the last leaf whose hash is not computed yet. Its leaves share the first `splitBit` bits with the
 * last leaf and differ in the next bit. `key` is an address in the hasher's memory, `node` a node of the hash plan.
 */
export interface PlannedSubtree {
  splitBit: number;
  depth: number;
  key: number;
  node: number;
}

/**
 * Joins one batch of leaves of a run into subtrees. It only plans the hashes: keys are addresses in the hasher's
 * memory, nodes belong to the hash plan. Each leaf is handled once, when the next leaf is known.
 */
export class LeafJoin {
  /** Subtrees that wait for the subtree right of them, from the top of the tree to the bottom. */
  readonly waiting: PlannedSubtree[];
  /** Roots of the groups that became complete, by the bit of the previous key at which they branch off. */
  readonly groups: { depth: number; node: number }[] = [];
  /** Depth of the root of the present group. */
  groupDepth: number;
  /** How many leading bits the last leaf shares with the key before it. */
  shared: number;

  /** @param placeholder address of the hash of an empty subtree */
  constructor(
    private readonly memory: Uint8Array,
    private readonly plan: HashPlan,
    private readonly placeholder: number,
    from: { waiting: PlannedSubtree[]; groupDepth: number; shared: number },
  ) {
    this.waiting = from.waiting;
    this.groupDepth = from.groupDepth;
    this.shared = from.shared;
  }

  /** Begins the first group: the first leaf shares `shared` bits with the key before the run. */
  branchOff(shared: number): void {
    this.shared = shared;
    this.groupDepth = shared + 1;
  }

  /** Joins a leaf to the waiting subtrees. `next`: how many leading bits it shares with the next leaf. */
  place(key: number, leaf: number, next: number): void {
    const { waiting, plan } = this;
    let node = leaf;
    let depth = 1 + Math.max(this.shared, next);
    for (let top = waiting.at(-1); top && top.splitBit > next; top = waiting.at(-1)) {
      waiting.pop();
      const left = this.lift(top.node, top.key, top.depth, top.splitBit + 1);
      node = plan.pair(left, this.lift(node, key, depth, top.splitBit + 1));
      depth = top.splitBit;
    }
    if (next >= this.groupDepth) {
      waiting.push({ splitBit: next, depth, key, node });
    } else {
      const root = this.lift(node, key, depth, this.groupDepth);
      this.groups.push({ depth: this.groupDepth - 1, node: root });
      this.groupDepth = next + 1;
    }
    this.shared = next;
  }

  /** Puts empty subtrees beside a node on the path of `key`, from depth `from` up to depth `to`. */
  private lift(node: number, key: number, from: number, to: number): number {
    const { memory, plan, placeholder } = this;
    let result = node;
    for (let depth = from - 1; depth >= to; depth -= 1) {
      const right = (memory[key + (depth >> 3)]! >> (7 - (depth & 7))) & 1;
      result = right === 1 ? plan.pair(placeholder, result) : plan.pair(result, placeholder);
    }
    return result;
  }
}
