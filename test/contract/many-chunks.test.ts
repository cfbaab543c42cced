/** Chunks so small that their manifest would be too large are refused before anything is stored. */
import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { backUp, devnode, storageFolder } from '../support/backup.js';

it('a backup of too many chunks is refused, and the error names a chunk size that works', async () => {
  const node = await devnode({ transactions: 1_000 });
  const target = { type: 'transaction', start_version: 0, num_transactions: 1_000 } as const;
  const setup = { node: node.address, folder: storageFolder(), target };
  const refused = await backUp({ ...setup, maxChunkSize: 1 }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'TOO_MANY_CHUNKS', retryable: false });
  const [, enough] = /max_chunk_size of (\d+) or more/.exec((refused as Error).message) ?? [];
  expect(Number(enough)).toBeGreaterThan(1);
  expect(readdirSync(setup.folder).filter((name) => name.startsWith('transaction'))).toEqual([]);
});
