/** How a worker process asks for its share of a node's limits when nobody answers. */
import type { Client } from '@temporalio/client';
import { expect, it } from 'vitest';
import { NodeGates } from '../../src/activities/node-gates.js';
import { until } from '../support/until.js';

it('a process that ends does not wait for the answer to its last question', async () => {
  const deadlines: number[] = [];
  // A server that is away: calls last as long as they may.
  const client = {
    withDeadline: (deadline: number) => {
      deadlines.push(deadline - Date.now());
      if (deadlines.length > 1) return Promise.reject(new Error('away'));
      return new Promise(() => undefined);
    },
  } as unknown as Client;
  const gates = new NodeGates();
  gates.limit('http://node:6186', { streams: 1 }, () => client);
  await until('it asks', () => deadlines.length === 1);
  await gates.close();
  expect(deadlines).toHaveLength(2); // the farewell has a short deadline of its own
  expect(deadlines[1]).toBeLessThan(deadlines[0]!);
});
