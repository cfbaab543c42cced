/** A node that answers well, but is behind the others. */
import { expect, it } from 'vitest';
import { Lag } from '../../../src/coordinator/watch/lag.js';

it('a node is behind when it lacks a version that another node had twenty seconds ago', () => {
  const lag = new Lag();
  expect(lag.isDue(100_000)).toBe(true);
  lag.mark(
    [
      { node: 'a', version: 900n },
      { node: 'b', version: 1_000n },
    ],
    100_000,
  );
  expect(lag.isDue(110_000)).toBe(false);
  expect(lag.behind('a', 950n, 119_000)).toBeUndefined();
  expect(lag.behind('a', 950n, 121_000)).toMatch(/version 950, and b had 1000 21 s ago/);
  expect(lag.behind('a', 1_000n, 121_000)).toBeUndefined();
  expect(lag.behind('b', 950n, 121_000)).toBeUndefined(); // only against what others had
  for (const at of [120_000, 140_000, 160_000, 180_000]) lag.mark([], at);
  expect(lag.behind('a', 950n, 181_000)).toBeUndefined();
});
