import { equalBytes } from '../hex.js';
import { ACCUMULATOR_PLACEHOLDER, hash } from '../hash/seeds.js';

export type AccumulatorName = 'TransactionAccumulator' | 'EventAccumulator';

/** Root over leaves in order (docs/formats.md, Accumulators). */
export function accumulatorRoot(name: AccumulatorName, leaves: readonly Uint8Array[]): Uint8Array {
  let level = [...leaves];
  while (level.length > 1) {
    const parents: Uint8Array[] = [];
    for (let i = 0; i < level.length; i += 2) {
      parents.push(hash(name, level[i]!, level[i + 1] ?? ACCUMULATOR_PLACEHOLDER));
    }
    level = parents;
  }
  return level[0] ?? ACCUMULATOR_PLACEHOLDER;
}

/** Whether `leaf` is number `index` under `root`; siblings nearest the leaf first. */
export function verifyLeaf(
  root: Uint8Array,
  leaf: Uint8Array,
  index: bigint,
  siblings: readonly Uint8Array[],
): boolean {
  let node = leaf;
  let position = index;
  for (const sibling of siblings) {
    node =
      (position & 1n) === 1n
        ? hash('TransactionAccumulator', sibling, node)
        : hash('TransactionAccumulator', node, sibling);
    position >>= 1n;
  }
  return equalBytes(node, root);
}

/**
 * Whether `leaves` are numbers `first`, `first + 1`... under `root`, straight from the definition:
 * level by level, siblings nearest the leaves first. The chunk verifier does the same in constant
 * memory. The proof does not bind the height of the tree: also compare the last index with the
 * ledger info's version.
 */
export function verifyRange(
  root: Uint8Array,
  first: bigint,
  leaves: readonly Uint8Array[],
  left: readonly Uint8Array[],
  right: readonly Uint8Array[],
): boolean {
  let level = [...leaves];
  let position = first;
  let leftUsed = 0;
  let rightUsed = 0;
  while (level.length > 1 || leftUsed < left.length || rightUsed < right.length) {
    if (level.length === 0) return false;
    const parents: Uint8Array[] = [];
    let i = 0;
    if ((position & 1n) === 1n) {
      const sibling = left[leftUsed++];
      if (!sibling) return false;
      parents.push(hash('TransactionAccumulator', sibling, level[i++]!));
    }
    for (; i + 1 < level.length; i += 2) {
      parents.push(hash('TransactionAccumulator', level[i]!, level[i + 1]!));
    }
    if (i < level.length) {
      const sibling = right[rightUsed++];
      if (!sibling) return false;
      parents.push(hash('TransactionAccumulator', level[i]!, sibling));
    }
    level = parents;
    position >>= 1n;
  }
  return level.length === 1 && equalBytes(level[0]!, root);
}
