import { expect, it } from 'vitest';
import { decodeLedgerInfoWithSignatures } from '../../src/aptos/index.js';
import { Chain } from '../../src/devnode/chain/chain.js';

it('a chain that follows a clock has the age of its last growth, and its blocks stay in order', () => {
  const options = { seed: 1, format: 'V1', validators: 4, blockSize: 50, creations: 1 } as const;
  const chain = new Chain({ ...options, snapshotsKept: 3, startTime: 1_700_000_000 });
  const tip = () => {
    const { bytes } = chain.ledgerInfoFor(chain.version)!;
    return Number(decodeLedgerInfoWithSignatures(bytes).ledgerInfo.timestampUsecs);
  };
  const growAt = (at: number | undefined) => {
    chain.clock = at;
    chain.grow(500, false);
    return tip();
  };

  // By its own clock, ten blocks take ten seconds.
  expect(growAt(undefined)).toBe(1_700_000_010 * 1e6);
  const now = 1_700_000_060_000;
  const followed = growAt(now);
  expect(Math.floor(followed / 1_000)).toBe(now);
  // A clock that has not gone on, or that goes back, makes no block older than the one before.
  expect(growAt(now - 5_000)).toBeGreaterThan(followed);
});
