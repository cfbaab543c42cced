/**
 * A stream that falls silent or only trickles is given up and reported, and not requested again in
 * silence.
 */
import { expect, it } from 'vitest';
import { backUp, devnode, storageFolder } from '../../support/backup.js';
import { rangeRequests } from '../../support/site.js';

it.each([
  [{ kind: 'stall' }, 'NODE_STALLED'],
  [{ kind: 'slow', bytes_per_second: 300 }, 'NODE_TOO_SLOW'],
] as const)(
  'a stream with the fault %o is given up and reported, and not requested again in silence',
  async (fault, code) => {
    const node = await devnode();
    const setup = {
      ...{ node: node.address, folder: storageFolder(), oneRange: true, maxChunkSize: 1_000_000 },
      target: { type: 'transaction', start_version: 0, num_transactions: 300 },
    } as const;
    const beforeRange = () => {
      node.clearRequests();
      node.fault({ ...fault, endpoint: 'transactions' });
    };
    const failing = backUp({ ...setup, beforeRange });
    await expect(failing).rejects.toMatchObject({ code, retryable: true });
    expect(rangeRequests(node.requests(), 'transactions')).toHaveLength(1);
    node.clearFaults();
    expect(await backUp(setup)).toMatchObject({ records: '300' });
  },
);
