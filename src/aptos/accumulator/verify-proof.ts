import { equalBytes } from '../hex.js';
import { ACCUMULATOR_PLACEHOLDER, hash } from '../hash/seeds.js';

export type AccumulatorName = 'TransactionAccumulator' | 'EventAccumulator';

/** Root of an accumulator with these leaves (docs/formats.md, Accumulators). */
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

/** Whether `leaf` is leaf number `index` (from 0) of the accumulator with `root`. Siblings: nearest the leaf first. */
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
 * Whether `leaves` are the leaves `first`, `first + 1`... of the accumulator with `root`. It follows the definition,
 * level by level (docs/formats.md, Accumulators); `RangeAccumulator` does the same in constant memory. Siblings:
 * nearest the leaves first. The proof does not bind the height of the tree, so the caller must also check that the
 * last index is not above the version of the ledger info.
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
