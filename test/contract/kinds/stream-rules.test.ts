/** The ranges of the stock coordinator, so that both tools can continue each other's storages. */
import { describe, expect, it } from 'vitest';
import { nextSnapshot } from '../../../src/contract/kinds/state-snapshot-rules.js';
import { batchEnd } from '../../../src/contract/kinds/transaction-rules.js';

describe('batches', () => {
  it.each([
    [undefined, 10n, 0n, 0n],
    [0n, 1_000_000n, 1n, 1_000_000n],
    [1_000_000n, 1_000_000n, 1_000_001n, 2_000_000n],
    [7n, 10n, 8n, 10n],
    [150n, 100n, 151n, 200n],
    [417_000_000n, 2_500_000n, 417_000_001n, 417_500_000n],
  ])('that follow %s with size %s go from %s to %s', (last, size, first, end) => {
    expect(last === undefined ? 0n : last + 1n).toBe(first);
    expect(batchEnd(first, size)).toBe(end);
  });
});

describe('snapshots', () => {
  it.each([
    [undefined, 1n, 1n, 0n, true],
    [undefined, 500n, 1n, 499n, true],
    [undefined, 90n, 100n, 0n, true],
    [undefined, 250n, 100n, 200n, true],
    [0n, 1n, 1n, 1n, false],
    [0n, 2n, 1n, 1n, true],
    [10n, 20n, 1n, 19n, true],
    [5n, 19n, 5n, 15n, true],
    [10n, 11n, 5n, 15n, false],
    [0n, 200n, 100n, 100n, true],
    [0n, 201n, 100n, 200n, true],
    [200n, 250n, 100n, 300n, false],
  ])(
    'follow the last one %s with the node in epoch %s and interval %s at %s (run: %s)',
    (last, ended, interval, next, run) => {
      expect(nextSnapshot(last, ended, interval)).toBe(next);
      expect(next < ended).toBe(run);
    },
  );
});
