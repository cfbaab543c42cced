import { SPARSE_MERKLE_PLACEHOLDER } from '../hash/seeds.js';
import { equalBytes } from '../hex.js';

/**
 * The out-frontier of a state chunk (docs/formats.md, State tree): the siblings right of its last key, bottom first,
 * without the placeholders at the bottom. It is empty when nothing lies right of the key.
 */
export function canonicalFrontier(siblings: readonly Uint8Array[]): Uint8Array[] {
  const bottom = siblings.findIndex((sibling) => !equalBytes(sibling, SPARSE_MERKLE_PLACEHOLDER));
  return bottom === -1 ? [] : siblings.slice(bottom);
}
