/** Runs of state leaves prove exactly what the definition of the state tree says. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBatchHasher } from '../../../src/aptos/hash/batch-hasher.js';
import { fromHex, toHex } from '../../../src/aptos/hex.js';
import {
  type StateLeaf,
  rightSiblings,
  stateRoot,
  verifyPrefix,
} from '../../../src/aptos/state-tree/definition.js';
import { canonicalFrontier } from '../../../src/aptos/state-tree/state-frontier.js';
import { LeafRun, type RunProof } from '../../../src/aptos/state-tree/leaf-run.js';
import { StateTree } from '../../../src/aptos/state-tree/state-tree.js';

const hasher = createBatchHasher();

/** Keys that branch early and late: random ones, some of them changed in a single bit. */
const trees = fc
  .array(
    fc.record({
      key: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      near: fc.option(fc.integer({ min: 0, max: 255 }), { nil: undefined }),
      value: fc.integer({ min: 0, max: 200 }),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((seeds) => {
    const leaves = new Map<string, StateLeaf>();
    let previous: Uint8Array | undefined;
    for (const { key, near, value } of seeds) {
      const actual = key.slice();
      if (previous && near !== undefined) {
        actual.set(previous);
        actual[near >> 3]! ^= 0x80 >> (near & 7);
      }
      leaves.set(toHex(actual), { key: actual, value: new Uint8Array(32).fill(value) });
      previous = actual;
    }
    return [...leaves.values()].sort((a, b) => Buffer.compare(a.key, b.key));
  });

function run(leaves: StateLeaf[], previous: Uint8Array | undefined, batch = 7): LeafRun {
  const result = new LeafRun(hasher, previous);
  for (let at = 0; at < leaves.length; at += batch) {
    const part = leaves.slice(at, at + batch);
    const address = hasher.region('test leaves', part.length * 64);
    part.forEach(({ key, value }, i) => {
      hasher.memory.set(key, address + i * 64);
      hasher.memory.set(value, address + i * 64 + 32);
    });
    result.add(address, part.length, (i) => `leaf ${at + i}`);
  }
  return result;
}

/** Whether chunks cut at `cuts` chain to the root, as the commit of a backup checks it. */
function chains(leaves: StateLeaf[], whole: StateLeaf[], cuts: number[]): boolean {
  const root = toHex(stateRoot(whole));
  const edges = [...new Set(cuts.map((c) => 1 + (c % leaves.length)))].sort((a, b) => a - b);
  if (edges.at(-1) !== leaves.length) edges.push(leaves.length);
  let from = 0;
  let before: { key: Uint8Array; out: string[] } | undefined;
  let step: RunProof | undefined;
  for (const to of edges) {
    const last = leaves[to - 1]!;
    const index = whole.findIndex((leaf) => toHex(leaf.key) === toHex(last.key));
    if (index < 0) return false;
    step = run(leaves.slice(from, to), before?.key).prove(rightSiblings(whole, index));
    if ('root' in step) {
      if (toHex(step.root) !== root) return false;
    } else if (step.inFrontier.map(toHex).join() !== before?.out.join()) {
      return false;
    }
    before = { key: last.key, out: step.outFrontier.map(toHex) };
    from = to;
  }
  return step?.isLast === true;
}

const cuts = fc.array(fc.nat(), { maxLength: 5 });

describe('any state tree, cut into chunks anywhere', () => {
  it('is proven by its chunks', () => {
    fc.assert(
      fc.property(trees, cuts, (leaves, at) => {
        expect(chains(leaves, leaves, at)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('is not proven when a leaf is missing, added or altered', () => {
    fc.assert(
      fc.property(trees, cuts, fc.nat(), (whole, at, n) => {
        const i = n % whole.length;
        const other = new Uint8Array(32).fill(0xee);
        const altered = whole.map((leaf, k) => (k === i ? { ...leaf, value: other } : leaf));
        expect(refused(() => chains(altered, whole, at))).toBe(true);
        if (whole.length > 1) {
          expect(refused(() => chains(whole.toSpliced(i, 1), whole, at))).toBe(true);
        }
        const extra = { key: whole[i]!.key.slice(), value: other };
        extra.key[31]! ^= 1;
        if (!whole.some((leaf) => toHex(leaf.key) === toHex(extra.key))) {
          const more = [...whole, extra].sort((a, b) => Buffer.compare(a.key, b.key));
          expect(refused(() => chains(more, whole, at))).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('has the same siblings and root in a stored tree', () => {
    fc.assert(
      fc.property(trees, fc.nat(), (leaves, n) => {
        const i = n % leaves.length;
        const keys = Buffer.concat(leaves.map((leaf) => leaf.key));
        const values = Buffer.concat(leaves.map((leaf) => leaf.value));
        const tree = new StateTree(keys, values, hasher);
        expect(toHex(tree.root)).toBe(toHex(stateRoot(leaves)));
        expect(tree.rangeProof(i).map(toHex)).toEqual(rightSiblings(leaves, i).map(toHex));
        expect(tree.indexOf(leaves[i]!.key)).toBe(i);
      }),
    );
  });

  it('agrees with the prefix check of the definition', () => {
    fc.assert(
      fc.property(trees, fc.nat(), fc.nat(), (leaves, n, m) => {
        const to = 1 + (n % leaves.length);
        const right = rightSiblings(leaves, to - 1);
        if (m % 3 === 1) right.pop();
        if (m % 3 === 2) right.push(new Uint8Array(32).fill(3));
        const root = stateRoot(leaves);
        const known = leaves.slice(0, to);
        const expected = verifyPrefix(root, known, right);
        const actual = !refused(() => {
          const step = run(known, undefined).prove(right);
          return 'root' in step && toHex(step.root) === toHex(root);
        });
        expect(actual).toBe(expected);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a run of leaves', () => {
  const key = (first: number) => new Uint8Array(32).fill(0).fill(first, 0, 1);
  const value = new Uint8Array(32);
  const leaf = (first: number) => ({ key: key(first), value });

  it.each([
    ['a repeated key', [1, 5, 5], undefined, /leaf 2 has the same key/],
    ['a lower key', [1, 9, 5], undefined, /leaf 2 has a key below/],
    ['the previous key again', [4, 5], key(4), /leaf 0 has the same key/],
    ['a key below the previous one', [3, 5], key(4), /leaf 0 has a key below/],
  ])('with %s is refused', (_, keys, previous, message) => {
    expect(() => run(keys.map(leaf), previous)).toThrow(message);
    expect(() => run(keys.map(leaf), previous, 1)).toThrow(
      expect.objectContaining({ code: 'STATE_KEY_ORDER' }) as Error,
    );
  });
});

it('a small state tree has the known roots and siblings', () => {
  const keys = ['10', '18', 'c0'].map((k) => fromHex(k + '00'.repeat(31)));
  const leaves = keys.map((key, i) => ({ key, value: new Uint8Array(32).fill(i + 1) }));
  const roots = [1, 2, 3].map((n) => toHex(stateRoot(leaves.slice(0, n))));
  expect(roots).toEqual([
    'f03c90d346f4156182074e367a8e13649ec4cb759ad2506067829b2b5f8fce3d',
    'fabe03bae1bcfb28e77f96ec47082fe696fed9dbfe1aced9f8b4777a6465b404',
    'dec4fe80bab9744c341b1f7cf321de94dd5abccd436556e637faa2bcb968ab1d',
  ]);
  const step = run(leaves.slice(0, 1), undefined).prove(rightSiblings(leaves, 0));
  expect('root' in step && toHex(step.root)).toBe(roots[2]);
  expect(rightSiblings(leaves, 1).map(toHex).slice(0, 2)).toEqual(
    Array.from({ length: 2 }, () => toHex(Buffer.from('SPARSE_MERKLE_PLACEHOLDER_HASH\0\0'))),
  );
  expect(canonicalFrontier(rightSiblings(leaves, 1))).toHaveLength(1);
});

function refused(check: () => boolean): boolean {
  try {
    return !check();
  } catch (error) {
    return (error as { name?: string }).name === 'AptosDataError';
  }
}
