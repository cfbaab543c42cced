/** What a worker takes in hand. */
import { expect, it } from 'vitest';
import { STREAMS } from '../../src/contract/coordinator-state.js';
import { PLACES, defaultSlots } from '../../src/supervisor/worker-settings.js';

it('the waits of eighty coordinators leave room for the plans and commits that they wait for', () => {
  const others = ['watchNode', 'awaitCopy', 'awaitCompaction'];
  const waits = 80 * (STREAMS.length + others.length);
  expect(PLACES - waits).toBeGreaterThanOrEqual(20);
});

it.each([
  [1, 4],
  [2, 4],
  [3, 6],
  [4, 8],
  [64, 8],
])('a machine of %d cores moves %d ranges at once', (cores, slots) => {
  expect(defaultSlots(cores)).toBe(slots);
});
