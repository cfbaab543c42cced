import { SPARSE_MERKLE_PLACEHOLDER } from '../hash/seeds.js';
import { equalBytes } from '../hex.js';
import { bitAt, zeroBits } from './bits.js';
import { innerNode, leafNode } from './node.js';

/** A leaf of the state tree: the hash of a key and the hash of its value. */
export interface StateLeaf {
  key: Uint8Array;
  value: Uint8Array;
}

/** A subtree of which only the hash is known. Its root is at `depth` on the path of `key`. */
export interface Subtree {
  depth: number;
  key: Uint8Array;
  hash: Uint8Array;
}

/**
 * The root at `depth` over sorted leaves and known subtrees, directly by the definition (docs/formats.md, State
 * tree): an empty subtree is the placeholder, a single leaf is its own root, everything else is a pair. `LeafRun` is
 * faster; tests compare it with this.
 */
export function stateRoot(parts: readonly (StateLeaf | Subtree)[], depth = 0): Uint8Array {
  const [only] = parts;
  if (!only) return SPARSE_MERKLE_PLACEHOLDER;
  if (parts.length === 1) {
    if ('value' in only) return leafNode(only.key, only.value);
    if (only.depth === depth) return only.hash;
  }
  const left = parts.filter((part) => bitAt(part.key, depth) === 0);
  const right = parts.filter((part) => bitAt(part.key, depth) === 1);
  return innerNode(stateRoot(left, depth + 1), stateRoot(right, depth + 1));
}

/** The siblings right of leaf `index`, bottom first. A node gives them as the range proof of that leaf. */
export function rightSiblings(leaves: readonly StateLeaf[], index: number): Uint8Array[] {
  const siblings: Uint8Array[] = [];
  const { key } = leaves[index]!;
  let inside = [...leaves];
  for (let depth = 0; inside.length > 1; depth += 1) {
    const right = inside.filter((leaf) => bitAt(leaf.key, depth) === 1);
    if (bitAt(key, depth) === 0) siblings.unshift(stateRoot(right, depth + 1));
    inside = bitAt(key, depth) === 0 ? inside.filter((l) => bitAt(l.key, depth) === 0) : right;
  }
  return siblings;
}

/**
 * Whether `known` are the first leaves of the tree with `root`, without gaps. `right` are the siblings right of the
 * last one, bottom first (docs/formats.md, State tree).
 */
export function verifyPrefix(
  root: Uint8Array,
  known: readonly StateLeaf[],
  right: readonly Uint8Array[],
): boolean {
  const last = known.at(-1);
  if (!last) return false;
  const leftOf = (depth: number) =>
    known.filter((leaf) => samePrefix(leaf.key, last.key, depth) && bitAt(leaf.key, depth) === 0);
  let depthLeft = 0;
  for (let depth = 0; depth < 256; depth += 1) {
    if (bitAt(last.key, depth) === 1 && leftOf(depth).length > 0) depthLeft = depth + 1;
  }
  const zeros = zeroBits(last.key);
  if (right.length > zeros.length) return false;
  const depthRight = right.length === 0 ? 0 : zeros[right.length - 1]! + 1;
  const bottom = Math.max(depthLeft, depthRight);
  if (zeros.filter((z) => z < bottom).length !== right.length) return false;
  let node = leafNode(last.key, last.value);
  let used = 0;
  for (let depth = bottom - 1; depth >= 0; depth -= 1) {
    node =
      bitAt(last.key, depth) === 1
        ? innerNode(stateRoot(leftOf(depth), depth + 1), node)
        : innerNode(node, right[used++]!);
  }
  return equalBytes(node, root);
}

function samePrefix(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  for (let i = 0; i < bits; i += 1) if (bitAt(a, i) !== bitAt(b, i)) return false;
  return true;
}
