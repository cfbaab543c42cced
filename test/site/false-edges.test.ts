/** What a proxy refuses for a moment, or a node by mistake, does not count as pruned. */
import { describe, expect, it } from 'vitest';
import { hasState, oldestTransaction } from '../../src/site/prune-edge.js';
import { parseSettings } from '../../src/contract/backup-input.js';
import { backUp, devnode, fetchBytes, storageFolder } from '../support/backup.js';
import { siteOf } from '../support/open-site.js';
import { refusingProxy } from '../support/refusing-proxy.js';

function siteAt(node: string, existing = false) {
  const settings = parseSettings({ node, storage: { local_fs_dir: storageFolder() } });
  const known = existing ? { existingStorage: true as const } : {};
  return siteOf({ ...settings, ...known });
}

const trouble = { code: 'NODE_HTTP_STATUS', retryable: true };

describe.each([404, 429, 502, 503])('a proxy that answers %i', (status) => {
  it('fails the search for the prune edge and the plan of a backup', async () => {
    const node = await devnode();
    const refuse = (path: string) =>
      /^\/(transactions\/0\/1|state_item_count\/)/.test(path) ? status : undefined;
    const address = await refusingProxy(node.address, refuse);
    const site = await siteAt(address);
    const { version, epoch_ends: ends } = node.facts();
    await expect(oldestTransaction(site, 0n, BigInt(version))).rejects.toMatchObject(trouble);
    await expect(hasState(site.node, BigInt(ends[2]!))).rejects.toMatchObject(trouble);
    const target = { type: 'state_snapshot', epoch: 2 } as const;
    const planned = backUp({ node: address, folder: storageFolder(), target });
    await expect(planned).rejects.toMatchObject(trouble);
  });
});

it('a node that refuses data only for a while has no prune edge there', async () => {
  const node = await devnode();
  let left = 4;
  const refuse = (path: string) => (path === '/transactions/0/1' && left-- > 0 ? 500 : undefined);
  const site = await siteAt(await refusingProxy(node.address, refuse));
  expect(await oldestTransaction(site, 0n, BigInt(node.facts().version))).toBe(0n);
});

it('a node that has pruned has a prune edge', async () => {
  const node = await devnode({ transactions: 600, pruneWindow: 200 });
  const site = await siteAt(node.address);
  const oldest = await oldestTransaction(site, 0n, BigInt(node.facts().version));
  const ask = (version: bigint) => fetchBytes(`${node.address}/transactions/${version}/1`);
  expect((await ask(oldest!)).length).toBeGreaterThan(0);
  await expect(ask(oldest! - 1n)).rejects.toThrow();
});

it('a new process knows from the storage that the address of the node is right', async () => {
  const address = await refusingProxy((await devnode()).address, () => 404);
  await expect(siteAt(address)).rejects.toMatchObject({ code: 'NODE_REFUSED' });
  await expect(siteAt(address, true)).rejects.toMatchObject(trouble);
});
