import { expect, it, vi } from 'vitest';
import { Sites } from '../../src/activities/sites.js';
import { devnode, storageFolder } from '../support/backup.js';
import { dataFolder } from '../support/cli.js';
import { until } from '../support/until.js';

it('a site for which several jobs wait does not end with the first of them', async () => {
  const { address } = await devnode();
  const storage = { local_fs_dir: storageFolder() };
  const settings = { nodes: [address], storage, trustWaypoints: [], maxChunkSize: 1000 };
  const sites = new Sites(dataFolder());
  const [first, second] = [new AbortController(), new AbortController()];
  const both = [first, second].map(({ signal }) => sites.get(settings, address, signal));
  first.abort(new Error('the first is gone'));
  await expect(both[0]).rejects.toThrow('the first is gone');
  expect((await both[1]!).address).toBe(address);
  await sites.close();
});

it('a site that is forgotten keeps no idle connections', async () => {
  const { address } = await devnode();
  const storage = { local_fs_dir: storageFolder() };
  const settings = { nodes: [address], storage, trustWaypoints: [], maxChunkSize: 1000 };
  const sites = new Sites(dataFolder());
  const { node } = await sites.get(settings, address, new AbortController().signal);
  const retire = vi.spyOn(node, 'retire');
  sites.forget(settings, address);
  await until('it is retired', () => retire.mock.calls.length === 1);
  expect(await node.dbState()).toBeDefined(); // for whoever works on it still
  node.close();
  await sites.close();
});
