/** What a worker takes in hand. */
import { expect, it } from 'vitest';
import { STREAMS } from '../../src/contract/coordinator-state.js';
import { PLACES } from '../../src/supervisor/worker-settings.js';

it('the waits of eighty coordinators leave room for the plans and commits that they wait for', () => {
  const others = ['watchNode', 'awaitCopy', 'awaitCompaction'];
  const waits = 80 * (STREAMS.length + others.length);
  expect(PLACES - waits).toBeGreaterThanOrEqual(20);
});
