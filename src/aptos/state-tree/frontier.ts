import { SPARSE_MERKLE_PLACEHOLDER } from '../hash/seeds.js';
import { equalBytes } from '../hex.js';

/**
 * A chunk's frontier: the siblings right of its last key, bottom first. Placeholders at the bottom
 * say nothing, so the canonical form leaves them out; it is empty when nothing lies to the right.
 */
export function canonicalFrontier(siblings: readonly Uint8Array[]): Uint8Array[] {
  const bottom = siblings.findIndex((sibling) => !equalBytes(sibling, SPARSE_MERKLE_PLACEHOLDER));
  return bottom === -1 ? [] : siblings.slice(bottom);
}
