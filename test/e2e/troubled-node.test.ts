/** A node that misbehaves for a while: every backup completes by itself and is right. */
import { expect, it } from 'vitest';
import type { FaultInput } from '../../src/devnode/faults.js';
import { leftovers } from '../support/backup.js';
import { expectWholeNode, sharedHost, startSite } from '../support/site.js';

const host = sharedHost();
/** The same everywhere: to a host that has seen one of them, two chains of one genesis are a fork. */
const CHAIN = { transactions: 600 };

it('all three backups complete through every kind of fault of the node', async () => {
  const site = await startSite(CHAIN, { host: host() });
  const { node, folder } = site;
  const kinds: FaultInput['kind'][] = [
    ...(['refuse', 'error500', 'cut', 'short', 'long', 'flip', 'swap', 'lie'] as const),
    'lie_genuine_ledger_info',
  ];
  const faults = kinds.map((kind) => node.fault({ kind, times: 1 }));
  const results = await site.backUpAll();
  expect(results.map(({ proven }) => proven)).toEqual(['signed', 'signed', 'signed']);
  for (const fault of node.faults()) expect(fault.fired, fault.kind).toBeGreaterThan(0);
  expect(faults).toHaveLength(9);
  // Everything went well, and the results name the liar.
  const lies = results.flatMap(({ lies: told }) => told ?? []);
  expect(lies[0]).toMatchObject({ node: node.address, why: expect.any(String) as string });
  node.clearFaults();
  await expectWholeNode(site, results);
  expect(leftovers(folder)).toEqual([]);
});

it('a backup notices a stream that stalls, and goes on with another', async () => {
  const site = await startSite(CHAIN, { host: host() });
  site.node.fault({ kind: 'stall', endpoint: 'transactions', times: 1, probability: 1 });
  const handle = await site.start('transaction', { start_version: 0, num_transactions: 300 });
  expect((await handle.result()).records).toBe('300');
});

it('a backup fails with the reason when the node lies all the time, and commits nothing', async () => {
  const site = await startSite(CHAIN, { host: host() });
  site.node.fault({ kind: 'flip', endpoint: 'transactions' });
  const handle = await site.start('transaction', { start_version: 0, num_transactions: 300 });
  await expect(handle.result()).rejects.toMatchObject({
    cause: { message: expect.stringMatching(/fails its proof|cannot be read/) as string },
  });
});
