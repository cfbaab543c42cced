import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { Chain } from '../../src/devnode/chain/chain.js';

it('a snapshot that has left memory is made again with the same records, root and proofs', () => {
  const chain = new Chain({
    ...{ seed: 5, format: 'V1', validators: 4, blockSize: 20, creations: 2 },
    snapshotsKept: Infinity,
  });
  const shown = (version: number) => {
    const snapshot = chain.snapshots.get(version)!;
    const { count, root, tree } = snapshot;
    const records = createHash('sha256');
    for (const part of snapshot.frames().parts(0, count, 1 << 20)) records.update(part);
    return {
      records: records.digest('hex'),
      count,
      root,
      tree: tree.root,
      proof: tree.rangeProof(count >> 1),
    };
  };
  const first = new Map<number, unknown>();
  for (let epoch = 1; epoch <= 8; epoch += 1) {
    chain.grow(100, true);
    first.set(chain.version, shown(chain.version));
  }
  chain.grow(50, false); // the present state is none of theirs
  const versions = [...first.keys()];
  expect(versions).toHaveLength(8);
  for (const version of versions) expect(shown(version)).toEqual(first.get(version));
  expect(chain.snapshots.newest!.version).toBe(versions.at(-1));
});
