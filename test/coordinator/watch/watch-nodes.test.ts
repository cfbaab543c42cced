/** Which of several nodes is watched, and what is reported when none can be. */
import { rmSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { NodeRests } from '../../../src/site/node-rests.js';
import { Lookout } from '../../../src/coordinator/watch/lookout.js';
import { openSite } from '../../../src/site/site.js';
import { watchNodes } from '../../../src/coordinator/watch/watch-nodes.js';
import type { Devnode, DevnodeOptions } from '../../../src/devnode/devnode.js';
import type { WatchOrder, WatchResult } from '../../../src/contract/coordinator-state.js';
import type { NodeView } from '../../../src/contract/coordinator-memory.js';
import { parseSettings } from '../../../src/contract/backup-input.js';
import { backUp, devnode, storageFolder } from '../../support/backup.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { until } from '../../support/until.js';
import { choosePort } from '../../../src/temporal-server/ports.js';

const CHAIN: DevnodeOptions = { seed: 5, transactions: 400, stateItems: 100, epochs: 4 };
/** Known trouble is reported at once, without waiting a minute for it. */
const IN_TROUBLE: NodeView = {
  ...{ ended: '4', version: '400', at: 1, versionsPerSecond: 0 },
  problem: 'as before',
};

/** Seen by an earlier watch; nothing is new since. */
const SEEN_LONG_AGO: NodeView = {
  ...{ ended: '4', version: '400', at: 5, movedAt: 4, versionsPerSecond: 0 },
};

function watch(
  nodes: Devnode[],
  order: Partial<WatchOrder> = {},
  folder = storageFolder(),
  { waypoints = false, seen }: { waypoints?: boolean; seen?: NodeView } = {},
) {
  const data = temporaryFolder('data');
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  const settings = parseSettings({
    node: nodes.map(({ address }) => address),
    storage: { local_fs_dir: folder },
    ...(waypoints ? { trust_waypoints: [nodes[0]!.facts().genesis_waypoint] } : {}),
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
      ...(seen ? { seen } : {}),
    },
  );
  result.catch(() => undefined);
  return { result, views, rests };
}

const wrong: [string, DevnodeOptions, Partial<WatchOrder>][] = [
  ['is empty', { empty: true }, {}],
  ['was wiped to less than the storage has', { transactions: 200, epochs: 2 }, { stored: '400' }],
];
describe('a watch reports', () => {
  const trusted = { waypoints: true };

  it('how old the tip of the node is, by the clock of the chain and by the time without growth', async () => {
    const node = await devnode({ ...CHAIN, startTime: 1_750_000_000 });
    const { views } = watch([node], { view: SEEN_LONG_AGO }, storageFolder(), trusted);
    await until('its tip is proven', () => views.at(-1)?.tipAt !== undefined);
    const { tipAt, movedAt } = views.at(-1)!;
    expect(tipAt).toBeGreaterThan(1_750_000_000_000);
    expect(tipAt).toBeLessThan(1_750_000_100_000);
    expect(movedAt).toBe(SEEN_LONG_AGO.movedAt);
    node.grow({ transactions: 50 });
    await until('it has moved', () => views.at(-1)!.version === '450');
    expect(views.at(-1)!.movedAt).toBeGreaterThan(Date.now() - 60_000);
  });

  it('whether a waypoint confirms the genesis of the node', async () => {
    const node = await devnode(CHAIN);
    const genesis = node.facts().genesis_waypoint;
    const order = { view: { ...SEEN_LONG_AGO, unconfirmedGenesis: genesis } };
    const { views } = watch([node], order, storageFolder(), trusted);
    await until('it is confirmed', () => {
      const view = views.at(-1);
      return view?.tipAt !== undefined && view.unconfirmedGenesis === undefined;
    });
    const blind = watch([node], { view: SEEN_LONG_AGO });
    await until('it is not', () => blind.views.at(-1)?.unconfirmedGenesis === genesis);
  });

  it('what an earlier attempt has seen, not what the order says', async () => {
    const nodes = [await devnode(CHAIN), await devnode(CHAIN)];
    for (const node of nodes) await node.close();
    const seen = { ...SEEN_LONG_AGO, version: '399', at: 6 };
    const order = { view: { ...SEEN_LONG_AGO, version: '90' } };
    const { views } = watch(nodes, order, storageFolder(), { seen });
    await until('it is told', () => views.length > 0);
    expect(views[0]).toMatchObject({ version: '399', at: 6 });
  });
});

describe('a watch leaves a node for another when the node', () => {
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
    const why = expect.stringMatching(/two answers contradict each other/) as string;
    expect(lies).toMatchObject([{ node: first.address, why }]);
  });
});

it('data that another node still has does not count as pruned', async () => {
  const [pruned, archive] = [await devnode({ ...CHAIN, pruneWindow: 100 }), await devnode(CHAIN)];
  const { view } = await watch([pruned, archive]).result;
  expect(view).toMatchObject({ node: pruned.address, oldestSnapshotEpoch: '0' });
  expect(view.oldestVersion).toBeUndefined();
  await archive.close();
  const alone = await watch([pruned, archive]).result;
  expect(alone.view).toMatchObject({ oldestVersion: '300' });
  expect(alone.view.unasked?.nodes).toEqual([archive.address]);
});

it('trouble is reported only when all nodes have it, with the reason of each, and ends with one healthy node', async () => {
  // Outside the range of ports that the system gives to anybody: it starts again on the same one.
  const nodes = [await devnode(CHAIN), await devnode({ ...CHAIN, port: await choosePort() })];
  for (const node of nodes) await node.close();
  const named = (seen: NodeView[]) => () =>
    nodes.every(({ address }) => (seen.at(-1)?.problem ?? '').includes(`${address}/`));
  const { views: seen } = watch(nodes, { view: IN_TROUBLE });
  await until('both are named', named(seen));
  const problem = seen.at(-1)!.problem!; // the same words are no news for minutes
  const { result, views } = watch(nodes, { view: { ...IN_TROUBLE, problem } });
  let ended: WatchResult | undefined;
  void result.then((one) => (ended = one));
  await until('both are named again', named(views));
  expect(ended).toBeUndefined();
  const port = Number(new URL(nodes[1]!.address).port);
  const back = await devnode({ ...CHAIN, port });
  const { view } = await result;
  expect(view).toMatchObject({ node: back.address, version: '400' });
  expect(view.problem).toBeUndefined();
});

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

it('a node that is behind the storage is said to be so, without a number that grows', async () => {
  const node = await devnode({ ...CHAIN, transactions: 200, epochs: 2 });
  const { view } = await watch([node], { stored: '400' }).result;
  expect(view).toMatchObject({
    version: '200',
    problem: expect.stringMatching(
      /^the node has less than the storage, which reaches version 400/,
    ) as string,
  });
});

it('trouble with a node is told without how long it lasts', async () => {
  const nodes = [await devnode(CHAIN), await devnode(CHAIN)];
  for (const node of nodes) await node.close();
  const { views } = watch(nodes, { view: { ...SEEN_LONG_AGO, problem: 'as before' } });
  await until('it is told', () => /^no node can be used: /.test(views.at(-1)?.problem ?? ''));
});

it('a node that comes back as one of another chain is never taken for well', async () => {
  const node = await devnode(CHAIN);
  const data = temporaryFolder('data');
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  const storage = { local_fs_dir: storageFolder() };
  const settings = parseSettings({ node: node.address, storage });
  const site = await openSite(settings, node.address, data);
  const order = { settings, need: '0', view: SEEN_LONG_AGO };
  const lookout = new Lookout(site, order, {
    signal: new AbortController().signal,
    snapshotProgress: () => Promise.resolve(undefined),
    askOthers: () => Promise.resolve({ answers: [], unasked: [] }),
    answerMs: 300,
  });
  await lookout.look(SEEN_LONG_AGO);
  await node.close();
  await expect(lookout.look(SEEN_LONG_AGO)).rejects.toMatchObject({ code: 'NODE_TIMEOUT' });
  await devnode({ ...CHAIN, seed: 6, port: Number(new URL(node.address).port) });
  await expect(lookout.look(SEEN_LONG_AGO)).rejects.toMatchObject({ code: 'CHAIN_MISMATCH' });
});
