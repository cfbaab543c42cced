/** The siblings of any part of a known run, in any tree, are those of the whole accumulator. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Accumulator } from '../../../src/aptos/accumulator/accumulator.js';
import { KnownLeaves } from '../../../src/aptos/accumulator/known-leaves.js';
import { createBatchHasher } from '../../../src/aptos/hash/batch-hasher.js';
import { toHex } from '../../../src/aptos/hex.js';

const hasher = createBatchHasher();
const leaf = (i: number) => new Uint8Array(32).fill(i % 251).fill((i >> 8) % 256, 0, 8);

function grown(count: number): Accumulator {
  const accumulator = new Accumulator('TransactionAccumulator');
  for (let i = 0; i < count; i += 1) accumulator.append(leaf(i));
  return accumulator;
}

/** A tree of `size` leaves, of which `first` to `last` are known, and the places where parts of these end. */
const runs = fc
  .tuple(fc.integer({ min: 1, max: 300 }), fc.nat(), fc.nat(), fc.array(fc.nat(), { maxLength: 6 }))
  .map(([size, a, b, cuts]) => {
    const [first, last] = [a % size, b % size].sort((x, y) => x - y) as [number, number];
    const inside = cuts.map((cut) => first + (cut % (last - first + 1)));
    return { size, first, last, ends: [...new Set([...inside, last])].sort((x, y) => x - y) };
  });

it('siblings of each part of a run are those of the accumulator, whether its tree ends within the run or beyond', () => {
  fc.assert(
    fc.property(runs, fc.integer({ min: 1, max: 9 }), ({ size, first, last, ends }, batch) => {
      const whole = grown(size);
      const proof = whole.rangeProof(first, last);
      const known = new KnownLeaves(hasher, BigInt(first), proof.left);
      let at = first;
      for (const end of ends) {
        const { left } = whole.rangeProof(at, end);
        expect(known.leftSiblings().map(toHex)).toEqual(left.map(toHex));
        while (at <= end) {
          const count = Math.min(batch, end - at + 1);
          const address = hasher.region('test leaves', count * 32);
          for (let i = 0; i < count; i += 1) hasher.memory.set(leaf(at + i), address + i * 32);
          known.add(address, count);
          at += count;
        }
        known.seal();
      }
      for (const end of ends) {
        const beyond = { last: BigInt(last), siblings: proof.right };
        const { right } = whole.rangeProof(first, end);
        expect(known.rightSiblings(BigInt(end), BigInt(size), beyond).map(toHex)).toEqual(
          right.map(toHex),
        );
        for (const treeEnd of ends.filter((other) => other >= end)) {
          const smaller = whole.rangeProof(first, end, treeEnd + 1);
          expect(known.rightSiblings(BigInt(end), BigInt(treeEnd + 1)).map(toHex)).toEqual(
            smaller.right.map(toHex),
          );
        }
      }
    }),
  );
});

it('a hash that it does not know is an error, and never a guess', () => {
  const known = new KnownLeaves(hasher, 0n, []);
  const address = hasher.region('test leaves', 96);
  for (let i = 0; i < 3; i += 1) hasher.memory.set(leaf(i), address + i * 32);
  known.add(address, 3);
  known.seal();
  expect(() => known.rightSiblings(0n, 3n)).toThrow(/leaf 1 is not known/);
  expect(() => known.rightSiblings(2n, 4n)).toThrow(/no hash is known/);
  expect(() => new KnownLeaves(hasher, 3n, [leaf(1)])).toThrow(/do not fit leaf 3/);
});
