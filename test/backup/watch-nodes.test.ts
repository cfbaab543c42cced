/** Which of several nodes is watched, and what is told when none can be. */
import { rmSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { NodeRests } from '../../src/backup/node-rests.js';
import { openSite } from '../../src/backup/site.js';
import { watchNodes } from '../../src/backup/watch/watch-nodes.js';
import type { Devnode, DevnodeOptions } from '../../src/devnode/devnode.js';
import type { NodeView, WatchOrder, WatchResult } from '../../src/plan/coordinator.js';
import { parseSettings } from '../../src/plan/input.js';
import { backUp, devnode, storageFolder } from '../support/backup.js';
import { temporaryFolder, until } from '../support/temporal.js';

const CHAIN: DevnodeOptions = { seed: 5, transactions: 400, stateItems: 100, epochs: 4 };
/** Trouble that is known already is told at once, without waiting for a minute of it. */
const IN_TROUBLE: NodeView = {
  ...{ ended: '4', version: '400', at: 1, versionsPerSecond: 0 },
  problem: 'as before',
};

function watch(nodes: Devnode[], order: Partial<WatchOrder> = {}, folder = storageFolder()) {
  const data = temporaryFolder('data');
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  const settings = parseSettings({
    node: nodes.map(({ address }) => address),
    storage: { local_fs_dir: folder },
  });
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const views: NodeView[] = [];
  const rests = new NodeRests();
  const result = watchNodes(
    { settings, need: '0', ...order },
    {
      signal: stop.signal,
      rests,
      serverNow: Date.now,
      report: (view) => views.push(view),
      open: (node) => openSite(settings, node, data),
      forget: () => undefined,
      snapshotProgress: () => Promise.resolve(undefined),
    },
  );
  result.catch(() => undefined);
  return { result, views, rests };
}

const wrong: [string, DevnodeOptions, Partial<WatchOrder>][] = [
  ['is empty', { empty: true }, {}],
  ['was wiped to less than the storage has', { transactions: 200, epochs: 2 }, { stored: '400' }],
];
describe('a node is left for another when it', () => {
  it.each(wrong)('%s', async (_, options, order) => {
    const [first, second] = [await devnode({ ...CHAIN, ...options }), await devnode(CHAIN)];
    const { view, lies } = await watch([first, second], order).result;
    expect(view).toMatchObject({ node: second.address, version: '400' });
    expect(view.problem).toBeUndefined();
    expect(lies).toBeUndefined();
  });

  it('contradicts itself, which is a lie', async () => {
    const [first, second] = [await devnode(CHAIN), await devnode(CHAIN)];
    first.fault({ kind: 'flip', endpoint: 'db_state' });
    const { view, lies } = await watch([first, second]).result;
    expect(view).toMatchObject({ node: second.address, version: '400' });
    const why = expect.stringMatching(/two answers that do not fit together/) as string;
    expect(lies).toMatchObject([{ node: first.address, why }]);
  });
});

it('what another node still has is not pruned', async () => {
  const [pruned, archive] = [await devnode({ ...CHAIN, pruneWindow: 100 }), await devnode(CHAIN)];
  const { view } = await watch([pruned, archive]).result;
  expect(view).toMatchObject({ node: pruned.address, oldestSnapshotEpoch: '0' });
  expect(view.oldestVersion).toBeUndefined();
  await archive.close();
  const alone = await watch([pruned, archive]).result;
  expect(alone.view).toMatchObject({ oldestVersion: '300' });
  expect(alone.view.unasked?.nodes).toEqual([archive.address]);
});

it('trouble is told when it is that of all, with what is wrong with each, and ends with one', async () => {
  const nodes = [await devnode(CHAIN), await devnode(CHAIN)];
  for (const node of nodes) await node.close();
  const { result, views } = watch(nodes, { view: IN_TROUBLE });
  let ended: WatchResult | undefined;
  void result.then((one) => (ended = one));
  await until('both are named', () => {
    const problem = views.at(-1)?.problem ?? '';
    return nodes.every(({ address }) => problem.includes(`${address}/`));
  });
  expect(ended).toBeUndefined();
  const port = Number(new URL(nodes[1]!.address).port);
  const back = await devnode({ ...CHAIN, port });
  const { view } = await result;
  expect(view).toMatchObject({ node: back.address, version: '400' });
  expect(view.problem).toBeUndefined();
}, 60_000);

it('nodes of another chain than the storage are refused, each with its identity', async () => {
  const right = await devnode(CHAIN);
  const folder = storageFolder();
  const target = { type: 'epoch_ending', start_epoch: 0, end_epoch: 1 } as const;
  await backUp({ node: right.address, folder, target });
  const others = [await devnode({ ...CHAIN, seed: 6 }), await devnode({ ...CHAIN, seed: 7 })];
  const refused = await watch(others, {}, folder).result.catch((error: unknown) => error as Error);
  expect(refused).toMatchObject({ code: 'CHAIN_MISMATCH' });
  for (const node of [right, ...others]) {
    expect((refused as Error).message).toContain(node.facts().genesis_waypoint);
  }
  const { view, lies } = await watch([...others, right], {}, folder).result;
  expect(view.node).toBe(right.address);
  expect(lies?.map(({ node }) => node)).toEqual(others.map(({ address }) => address));
});
