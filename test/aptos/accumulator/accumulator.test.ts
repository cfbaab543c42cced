/** Accumulators of any size: roots, proofs and runs agree with the plain definition. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Accumulator } from '../../../src/aptos/accumulator/accumulator.js';
import { RangeAccumulator } from '../../../src/aptos/accumulator/range-accumulator.js';
import {
  accumulatorRoot,
  verifyLeaf,
  verifyRange,
} from '../../../src/aptos/accumulator/verify-proof.js';
import { createBatchHasher } from '../../../src/aptos/hash/batch-hasher.js';
import { hash } from '../../../src/aptos/hash/seeds.js';
import { toHex } from '../../../src/aptos/hex.js';

const leaf = (i: number) => new Uint8Array(32).fill(i % 256).fill((i >> 8) % 256, 0, 8);
const leavesOf = (count: number) => Array.from({ length: count }, (_, i) => leaf(i + 1));
const repeated = (count: number) =>
  Array.from({ length: count }, (_, i) => new Uint8Array(32).fill(i + 1));
const hasher = createBatchHasher();

function grown(count: number): Accumulator {
  const accumulator = new Accumulator('TransactionAccumulator');
  for (const one of leavesOf(count)) accumulator.append(one);
  return accumulator;
}

describe('the accumulator', () => {
  const roots: Record<number, string> = {
    2: '8e096e39f3b8fa125e5d6280646ef5c0f3ac4a32a16191b638dbf418a1fcc0da',
    3: '8f78b4226bf1f951b8f3aaf656886656cc7f0980cc7a4893cbc3e4cd0771f6ec',
    4: '89185a42f151bceef19f182d3ef42e9ef7520b5476def63d5a1611b5ebf26ee1',
    5: '5e42b41e3a3efff950644c38bb0cc733eea15c93cf8e3ffcc4bf5a87407a40b3',
    6: 'e5f61b77d57d3cbb891d624f0015bc87e94b8431c45855ce693dcb2cd44d8f62',
    7: '024b9b1cf4f7f34a4522fb1a0ad9d96ac8dbfa2227c7548a3540568b24758cfc',
  };
  it.each(Object.entries(roots))('has the known root of %s leaves', (count, root) => {
    const leaves = repeated(Number(count));
    expect(toHex(accumulatorRoot('TransactionAccumulator', leaves))).toBe(root);
  });
  it('has the known event roots of two and three events', () => {
    expect(toHex(accumulatorRoot('EventAccumulator', repeated(2)))).toBe(
      'be195c4fe71d55c69c1cba8e1171f639f4446a6239d81e1dad467f679111b6fc',
    );
    expect(toHex(accumulatorRoot('EventAccumulator', repeated(3)))).toBe(
      '383a791fbc38617d87068ef8f30eac58027d38190bef1cee52aa904968ff38a5',
    );
  });
  it('gives the known siblings of a range', () => {
    const accumulator = new Accumulator('TransactionAccumulator');
    for (const one of repeated(7)) accumulator.append(one);
    const { left, right } = accumulator.rangeProof(3, 4);
    expect(left.map(toHex)).toEqual(['03'.repeat(32), roots[2]]);
    expect(right.map(toHex)).toEqual([
      '06'.repeat(32),
      '6d7d1988e6c0d9fed72d3656fffa9d2eb4ae359d95ac470969c798c0058a965f',
    ]);
  });
});

const ranges = fc
  .tuple(fc.integer({ min: 1, max: 200 }), fc.nat(), fc.nat())
  .map(([size, a, b]) => {
    const [first, last] = [a % size, b % size].sort((x, y) => x - y);
    return { size, first: first!, last: last! };
  });

describe('an accumulator of any size', () => {
  it('has the root of the definition, also for earlier sizes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 200 }), fc.nat(), (size, earlier) => {
        const accumulator = grown(size);
        const before = size === 0 ? 0 : earlier % size;
        for (const count of [size, before]) {
          const expected = accumulatorRoot('TransactionAccumulator', leavesOf(count));
          expect(toHex(accumulator.root(count))).toBe(toHex(expected));
        }
      }),
    );
  });

  it('proves each leaf and each range, and no others', () => {
    fc.assert(
      fc.property(ranges, ({ size, first, last }) => {
        const accumulator = grown(size);
        const root = accumulator.root();
        const leaves = leavesOf(size);
        expect(verifyLeaf(root, leaves[first]!, BigInt(first), accumulator.leafProof(first))).toBe(
          true,
        );
        const { left, right } = accumulator.rangeProof(first, last);
        const run = leaves.slice(first, last + 1);
        expect(verifyRange(root, BigInt(first), run, left, right)).toBe(true);
        expect(verifyRange(root, BigInt(first), [...run, leaf(9999)], left, right)).toBe(false);
        if (run.length > 1) {
          expect(verifyRange(root, BigInt(first), run.slice(1), left, right)).toBe(false);
          expect(verifyRange(root, BigInt(first), [...run].reverse(), left, right)).toBe(false);
        }
      }),
    );
  });
});

describe('a run of leaves that is added in batches', () => {
  function runOf(leaves: Uint8Array[], first: number, batches: number[]): RangeAccumulator {
    const run = new RangeAccumulator(hasher, BigInt(first));
    let at = 0;
    for (let b = 0; at < leaves.length; b += 1) {
      const part = leaves.slice(at, at + batches[b % batches.length]!);
      const address = hasher.region('test leaves', part.length * 32);
      part.forEach((one, i) => hasher.memory.set(one, address + i * 32));
      run.add(address, part.length);
      at += part.length;
    }
    return run;
  }
  const batches = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 });

  it('proves what the definition proves, and gives the frontiers of the tree', () => {
    fc.assert(
      fc.property(ranges, batches, ({ size, first, last }, cuts) => {
        const accumulator = grown(size);
        const { left, right } = accumulator.rangeProof(first, last);
        const run = runOf(leavesOf(size).slice(first, last + 1), first, cuts);
        const { inFrontier, outFrontier } = run.prove(accumulator.root(), left, right);
        expect(inFrontier.map(toHex)).toEqual(accumulator.frontier(first).map(toHex));
        expect(outFrontier.map(toHex)).toEqual(accumulator.frontier(last + 1).map(toHex));
      }),
    );
  });

  it('refuses a missing, added, swapped or altered leaf and any other proof', () => {
    fc.assert(
      fc.property(ranges, batches, fc.nat(), ({ size, first, last }, cuts, at) => {
        const accumulator = grown(size);
        const root = accumulator.root();
        const { left, right } = accumulator.rangeProof(first, last);
        const good = leavesOf(size).slice(first, last + 1);
        const i = at % good.length;
        const altered = good.map((one, k) => (k === i ? leaf(7777) : one));
        const wrong = [altered, [...good, leaf(8888)], good.toSpliced(i, 0, good[i]!)];
        if (good.length > 1) wrong.push(good.toSpliced(i, 1), [...good].reverse());
        for (const leaves of wrong) {
          expect(() => runOf(leaves, first, cuts).prove(root, left, right)).toThrow();
        }
        const run = runOf(good, first, cuts);
        if (right.length > 0) {
          expect(() => run.prove(root, left, right.slice(0, -1))).toThrow();
        }
        expect(() => run.prove(root, left, [...right, leaf(1)])).toThrow();
        expect(() => run.prove(root, [...left, leaf(1)], right)).toThrow();
        expect(() => run.prove(leaf(5), left, right)).toThrow();
      }),
    );
  });

  it('works at positions above 2^53', () => {
    // Siblings of a leaf with only bit 60 set: 60 right ones, then one on the left.
    const first = 2n ** 60n;
    const left = [leaf(2)];
    const right = Array.from({ length: 60 }, (_, i) => leaf(100 + i));
    const root = [...right, left[0]!].reduce<Uint8Array>(
      (node, sibling, height) =>
        height < 60
          ? hash('TransactionAccumulator', node, sibling)
          : hash('TransactionAccumulator', sibling, node),
      leaf(1),
    );
    const run = new RangeAccumulator(hasher, first);
    const address = hasher.region('test leaves', 32);
    hasher.memory.set(leaf(1), address);
    run.add(address, 1);
    expect(run.prove(root, left, right).inFrontier.map(toHex)).toEqual([toHex(leaf(2))]);
    expect(() => run.prove(leaf(0), left, right)).toThrow(/1152921504606846976/);
  });
});
