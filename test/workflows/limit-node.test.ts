/** The limiter of a node on a real server, and two processes that ask it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { NodeGates } from '../../src/activities/node-gates.js';
import { limiterId, takeShare } from '../../src/client/take-share.js';
import type { NodeLimiterStatus } from '../../src/contract/answers/limiter-answers.js';
import type { StreamSlot } from '../../src/node/gate.js';
import { startTemporal, withActivities } from '../support/temporal.js';
import { until } from '../support/until.js';

let session: Awaited<ReturnType<typeof startTemporal>>;
beforeAll(async () => {
  session = await startTemporal();
});
afterAll(() => session.close());

const handleOf = (node: string) => session.client.workflow.getHandle(limiterId(node));
const statusOf = (node: string) => handleOf(node).query<NodeLimiterStatus>('status');
const WANTS = { streams: 1, requestsPerSecond: 1, bytesPerSecond: 1 };
const NONE = { streams: 0, requestsPerSecond: 0, bytesPerSecond: 0 };

it('two processes share the streams of a node, whatever they do, and give all back at the end', async () => {
  const node = 'http://the-node:6186';
  const client = () => session.client;
  const processes = [new NodeGates(), new NodeGates()];
  await withActivities(session, {}, async () => {
    let open = 0;
    let most = 0;
    const done = [0, 0];
    /** Opens streams one after another, and ends each after a moment. */
    const work = async (i: number) => {
      const unlimit = processes[i]!.limit(node, { streams: 3 }, client);
      while (Math.min(...done) < 5) {
        const slot: StreamSlot = await processes[i]!.to(`${node}/`).stream();
        most = Math.max(most, (open += 1));
        await new Promise((resolve) => setTimeout(resolve, 20));
        open -= 1;
        done[i]! += 1;
        slot.end();
      }
      unlimit();
    };
    await Promise.all([0, 0, 0, 1, 1, 1].map(work));
    expect(most).toBeLessThanOrEqual(3);
    const { holders, held, limits } = await statusOf(node);
    expect(limits).toEqual({ streams: 3 });
    expect(held.streams).toBeLessThanOrEqual(3);
    expect(new Set(holders.map(({ process }) => process)).size).toBe(holders.length);
    await Promise.all(processes.map((one) => one.close()));
    await until('all is given back', async () => (await statusOf(node)).holders.length === 0);
  });
});

it('a run that gets long hands its holders to the next one, and bad questions and inputs are refused', async () => {
  const node = 'http://another-node:6186';
  await withActivities(session, {}, async () => {
    const ask = { holder: 'one', limits: { streams: 5 }, holds: NONE, wants: WANTS };
    const first = await takeShare(session.client, node, ask);
    expect(first.share).toEqual({ streams: 1 });
    const { runId } = await handleOf(node).describe();
    const keeps = { ...ask, holder: 'two', holds: { ...NONE, streams: 1 } };
    await until('the run has continued as new', async () => {
      await Promise.all(Array.from({ length: 10 }, () => takeShare(session.client, node, keeps)));
      return (await handleOf(node).describe()).runId !== runId;
    });
    const { holders } = await statusOf(node);
    expect(holders.map(({ process }) => process).sort()).toEqual(['one', 'two']);

    const bad = { ...ask, wants: { streams: 1 } } as unknown as typeof ask;
    const refused = takeShare(session.client, node, bad);
    await expect(refused).rejects.toMatchObject({
      cause: { message: expect.stringMatching(/wants.requestsPerSecond/) as string },
    });
    const wrong = session.client.workflow.execute('limitNode', {
      ...{ workflowId: 'wrong', taskQueue: 'aptos-backup', args: [{ node: 'nowhere' }] },
    });
    await expect(wrong).rejects.toMatchObject({
      cause: { type: 'INPUT_INVALID', message: expect.stringMatching(/^node must be/) as string },
    });
  });
});
