/** A conclusion from refused requests names the last refusal, under the right code. */
import { expect, it } from 'vitest';
import type { FaultInput } from '../../../src/devnode/faults.js';
import { TRIES } from '../../../src/node/retry.js';
import { type Target, backUp, devnode, storageFolder } from '../../support/backup.js';

const TRANSACTIONS: Target = { type: 'transaction', start_version: 0, num_transactions: 100 };
const SNAPSHOT: Target = { type: 'state_snapshot', epoch: 1 };

it.each<[string, FaultInput, Target, string, RegExp]>([
  [
    'answers 500 to every request for transactions',
    { kind: 'error500', endpoint: 'transactions' },
    TRANSACTIONS,
    'NODE_HTTP_STATUS',
    /^http:.*\/transactions\/0\/1: status 500.*\(asked 6 times\); it refuses transaction 400 as well/,
  ],
  [
    'answers 500 to every request for item counts',
    { kind: 'error500', endpoint: 'state_item_count' },
    SNAPSHOT,
    'NODE_HTTP_STATUS',
    /^http:.*\/state_item_count\/\d+: status 500.*it refuses the state at version \d+ as well/,
  ],
  [
    'resets every request for transactions',
    { kind: 'refuse', endpoint: 'transactions' },
    TRANSACTIONS,
    'NODE_ABORTED_BEFORE_FIRST_RECORD',
    /^http:.*\/transactions\/0\/1: the node broke off before the first record/,
  ],
])('a node that %s', async (_, fault, target, code, message) => {
  const node = await devnode();
  node.fault(fault);
  const planned = backUp({ node: node.address, folder: storageFolder(), target });
  await expect(planned).rejects.toMatchObject({
    code,
    retryable: true,
    message: expect.stringMatching(message) as string,
  });
});

it.each<[string, Target, string]>([
  ['transactions', TRANSACTIONS, 'transactions/0/1'],
  ['the state', SNAPSHOT, 'state_item_count'],
])('it takes few requests to find that a node has pruned %s', async (_, target, asked) => {
  const node = await devnode({ transactions: 600, pruneWindow: 350, epochs: 5 });
  const planned = backUp({ node: node.address, folder: storageFolder(), target });
  await expect(planned).rejects.toMatchObject({ code: 'NODE_PRUNED' });
  const pruned = Object.entries(node.requests()).filter(([path]) => path.includes(asked));
  expect(Math.max(...pruned.map(([, times]) => times))).toBe(2 * TRIES);
});
