import { expect, it } from 'vitest';
import {
  canonicalFrontier,
  hash,
  rightSiblings,
  siblingsDownTo,
} from '../../../src/aptos/index.js';

it.each([1, 2, 3, 40])(
  'the canonical siblings of a leaf, and its neighbours, give what a node sends: %i leaves',
  (count) => {
    const leaves = Array.from({ length: count }, (_, i) => {
      const key = hash('StateKey', Buffer.from(`${i % 17}`));
      // Neighbours that differ late have placeholders at the bottom of their paths.
      key[9 + (i % 23)]! ^= 1 + i;
      return { key, value: hash('StateValue', Buffer.from(`${i}`)) };
    }).sort((a, b) => Buffer.compare(a.key, b.key));
    for (const [i, { key }] of leaves.entries()) {
      const sent = rightSiblings(leaves, i);
      const neighbours = { before: leaves[i - 1]?.key, after: leaves[i + 1]?.key };
      expect(siblingsDownTo(key, neighbours, canonicalFrontier(sent))).toEqual(sent);
    }
  },
);
