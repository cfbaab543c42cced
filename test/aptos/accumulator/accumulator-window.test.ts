import { expect, it } from 'vitest';
import {
  Accumulator,
  AccumulatorWindow,
  createBatchHasher,
  hash,
} from '../../../src/aptos/index.js';

const LEAVES = 150;
const leaf = (i: number) => hash('TransactionInfo', Buffer.from(`${i}`));
const hasher = createBatchHasher();
const texts = (siblings: readonly Uint8Array[]) =>
  siblings.map((s) => Buffer.from(s).toString('hex'));

it('a window of leaves gives the siblings at each of its leaves, as the whole accumulator does', () => {
  const whole = new Accumulator('TransactionAccumulator');
  for (let i = 0; i < LEAVES; i += 1) whole.append(leaf(i));
  let compared = 0;
  for (const [first, last] of [
    [0, 0],
    [0, 148],
    [1, 7],
    [5, 5],
    [13, 90],
    [63, 64],
    [64, 127],
    [100, 149],
  ] as const) {
    const leaves = Buffer.concat(
      Array.from({ length: last - first + 1 }, (_, i) => leaf(first + i)),
    );
    const { left } = whole.rangeProof(first, last);
    const window = new AccumulatorWindow(hasher, BigInt(first), leaves, left);
    for (let at = first; at <= last; at += 1) {
      expect(texts(window.leftSiblings(BigInt(at)))).toEqual(texts(whole.rangeProof(at, at).left));
      for (const size of [last + 1, LEAVES - 1, LEAVES].filter((n) => n > last)) {
        const beyond = whole.rangeProof(first, last, size).right;
        expect(texts(window.rightSiblings(BigInt(at), BigInt(size), beyond))).toEqual(
          texts(whole.rangeProof(at, at, size).right),
        );
      }
      for (let size = at + 1; size <= last + 1; size += 1) {
        expect(texts(window.rightSiblings(BigInt(at), BigInt(size)))).toEqual(
          texts(whole.rangeProof(at, at, size).right),
        );
        compared += 1;
      }
    }
  }
  expect(compared).toBeGreaterThan(1_000);
});
