import { SPARSE_MERKLE_PLACEHOLDER } from '../hash/seeds.js';
import { equalBytes } from '../hex.js';
import { commonPrefix, zeroBits } from './bits.js';

/**
 * The out-frontier of a state chunk (docs/formats.md, State tree): the siblings right of its last key, bottom first,
 * without the placeholders at the bottom. It is empty when nothing lies right of the key.
 */
export function canonicalFrontier(siblings: readonly Uint8Array[]): Uint8Array[] {
  const bottom = siblings.findIndex((sibling) => !equalBytes(sibling, SPARSE_MERKLE_PLACEHOLDER));
  return bottom === -1 ? [] : siblings.slice(bottom);
}

/**
 * The siblings right of a leaf as a node sends them, from their canonical form: with the placeholders at the bottom,
 * which reach down to the leaf. How deep it lies follows from its neighbours in the tree, if there are any.
 */
export function siblingsDownTo(
  key: Uint8Array,
  neighbours: { before: Uint8Array | undefined; after: Uint8Array | undefined },
  canonical: readonly Uint8Array[],
): Uint8Array[] {
  const shared = [neighbours.before, neighbours.after].map((other) =>
    other ? commonPrefix(key, 0, other, 0) : -1,
  );
  const depth = 1 + Math.max(...shared);
  const wanted = zeroBits(key).filter((bit) => bit < depth).length;
  const missing = Math.max(0, wanted - canonical.length);
  return [...Array.from({ length: missing }, () => SPARSE_MERKLE_PLACEHOLDER), ...canonical];
}
