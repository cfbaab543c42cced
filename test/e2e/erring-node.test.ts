/**
 * A node that fails now and then, by a seed, from the first request on: all three backups succeed in
 * spite of it.
 */
import { expect, it } from 'vitest';
import { Random } from '../../src/devnode/chain/random.js';
import type { FaultInput } from '../../src/devnode/faults.js';
import { refusingProxy } from '../support/refusing-proxy.js';
import { expectWholeNode, sharedHost, startSite } from '../support/site.js';

const CHAIN = { transactions: 600, stateItems: 2_000, epochs: 9 };
const host = sharedHost();
type NodeAt = (address: string) => Promise<string>;

/** Answers 429 or 503 to this share of all requests. */
const throttling =
  (share: number): NodeAt =>
  (node) => {
    const random = new Random(7);
    return refusingProxy(node, () => {
      if (random.next() / 2 ** 32 >= share) return undefined;
      return { status: random.below(2) === 0 ? 429 : 503, headers: { 'retry-after': '1' } };
    });
  };

const refusingTwice: NodeAt = (node) => {
  const asked = new Map<string, number>();
  return refusingProxy(node, (path) => {
    const times = (asked.get(path) ?? 0) + 1;
    asked.set(path, times);
    return times <= 2 ? 500 : undefined;
  });
};

it.each<[string, FaultInput[], NodeAt | undefined, number]>([
  ['500 to a quarter of all requests', [{ kind: 'error500', probability: 0.25 }], undefined, 2],
  ['500 to half of all requests', [{ kind: 'error500', probability: 0.5 }], undefined, 6],
  [
    'a reset to some, and answers that are cut in the middle',
    [
      { kind: 'refuse', probability: 0.15 },
      { kind: 'cut', probability: 0.2 },
    ],
    undefined,
    3,
  ],
  ['429 or 503 to three of ten', [], throttling(0.3), 2],
  ['500 to the first two requests of each path', [], refusingTwice, 1],
])('a backup succeeds although its node gives %s', async (_, faults, nodeAt, mostAttempts) => {
  const site = await startSite(CHAIN, { host: host(), ...(nodeAt ? { nodeAt } : {}) });
  const { node } = site;
  for (const fault of faults) node.fault(fault);
  const results = await site.backUpAll({ when_blocked: 'wait' });
  for (const { fired, kind } of node.faults()) expect(fired, kind).toBeGreaterThan(3);
  node.clearFaults();
  await expectWholeNode(site, results);
  expect(results.flatMap(({ lies }) => lies ?? [])).toEqual([]);
  expect(results[1]!.chunks).toBeGreaterThan(5);
  expect(await attempts(site)).toBeLessThanOrEqual(mostAttempts);
});

/** The most attempts that any activity of its workflows took. */
async function attempts({
  session,
  started,
}: Awaited<ReturnType<typeof startSite>>): Promise<number> {
  expect(started).toHaveLength(3);
  let most = 0;
  for (const workflowId of started) {
    const { events } = await session.client.workflow.getHandle(workflowId).fetchHistory();
    for (const { activityTaskStartedEventAttributes: begun } of events ?? []) {
      most = Math.max(most, begun?.attempt ?? 0);
    }
  }
  return most;
}
