import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { TRIES } from '../../../src/node/retry.js';
import { type Target, backUp, devnode, storageFolder } from '../../support/backup.js';

/** Two chunks of one range, cut in the middle of a block of records. */
const TWO_CHUNKS = { maxChunkSize: 700_000, oneRange: true };

it.each([
  ['transaction_range_proof', { type: 'transaction', start_version: 0, num_transactions: 8001 }],
  ['state_range_proof', { type: 'state_snapshot', epoch: 1 }],
] as const satisfies [string, Target][])(
  'a %s that fails in the middle of a range counts as trouble, and never as a lie',
  async (endpoint, target) => {
    const node = await devnode({ transactions: 8000, stateItems: 40_000, epochs: 3 });
    const setup = { node: node.address, folder: storageFolder(), target, ...TWO_CHUNKS };
    node.fault({ kind: 'error500', endpoint, times: TRIES });
    await expect(backUp(setup)).rejects.toMatchObject({
      code: 'NODE_HTTP_STATUS',
      retryable: true,
    });

    const { manifest } = await backUp(setup);
    const chunks = readdirSync(`${setup.folder}/${manifest.split('/')[0]}`).filter((name) =>
      name.endsWith('-.chunk'),
    );
    expect(chunks.length).toBeGreaterThan(1);
  },
);
