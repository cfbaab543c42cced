import { SPARSE_MERKLE_PLACEHOLDER, hash } from '../hash/seeds.js';
import { bitAt } from './bits.js';

/** An inner node of the state tree (docs/formats.md, State tree). */
export function innerNode(left: Uint8Array, right: Uint8Array): Uint8Array {
  return hash('SparseMerkleInternal', left, right);
}

export function leafNode(keyHash: Uint8Array, valueHash: Uint8Array): Uint8Array {
  return hash('SparseMerkleLeafNode', keyHash, valueHash);
}

/** The root at depth `to` of a tree whose only subtree is `node`, at depth `from` on the path of `key`. */
export function lift(node: Uint8Array, key: Uint8Array, from: number, to: number): Uint8Array {
  let lifted = node;
  for (let depth = from - 1; depth >= to; depth -= 1) {
    lifted =
      bitAt(key, depth) === 1
        ? innerNode(SPARSE_MERKLE_PLACEHOLDER, lifted)
        : innerNode(lifted, SPARSE_MERKLE_PLACEHOLDER);
  }
  return lifted;
}
