/** A coordinator runs for years: the cost of waiting, and that no history or memory grows. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { WatchOrder } from '../../../src/contract/coordinator-state.js';
import type { NodeView } from '../../../src/contract/coordinator-memory.js';
import { PretendedWorld, coordinatorInput, startOptions } from '../../support/coordinator.js';
import { startTemporal, withActivities } from '../../support/temporal.js';
import { until } from '../../support/until.js';

/** Number of measured days; SIMULATED_DAYS=365 takes some minutes. */
const DAYS = Number(process.env['SIMULATED_DAYS'] ?? 45);
const BATCHES = 2 * 24 * 6;
const MOST_EVENTS = 1_000;
const MOST_PAYLOAD_BYTES = 100_000;

let session: Awaited<ReturnType<typeof startTemporal>>;
beforeAll(async () => {
  session = await startTemporal();
});
afterAll(() => session.close());

/** Follows until the time is over, then counts the events of all runs. */
async function count(world: PretendedWorld, isOver: () => boolean) {
  const input = coordinatorInput({ transaction_batch_size: 1_000 });
  const histories: { events: number; largest: number }[] = [];
  await withActivities(session, world.activities, async () => {
    const handle = await session.client.workflow.start('backupCoordinator', startOptions(input));
    await until('the time is over', isOver, 900_000);
    await handle.terminate();
    const query = `WorkflowId = "${handle.workflowId}"`;
    await until('all runs are listed', async () => {
      const { count: open } = await session.client.workflow.count(
        `${query} AND ExecutionStatus = "Running"`,
      );
      return open === 0;
    });
    for await (const { runId, workflowId } of session.client.workflow.list({ query })) {
      const { events } = await session.client.workflow.getHandle(workflowId, runId).fetchHistory();
      const sizes = (events ?? []).map((event) => JSON.stringify(event).length);
      histories.push({ events: events?.length ?? 0, largest: Math.max(...sizes) });
    }
  });
  const total = histories.reduce((sum, { events }) => sum + events, 0);
  console.log(
    `${world.watches} watches, ${world.calls.length} units: ${total} events in ${histories.length} runs, ` +
      `the longest ${Math.max(...histories.map((h) => h.events))}`,
  );
  return { total, histories };
}

it('in years without events on the chain, a day adds less than 300 history events', async () => {
  const world = new PretendedWorld({ ended: 1, version: 0 });
  // As the real watch does within the hour: nothing is new, but it still works.
  world.watch = () => {
    world.watches += 1;
    return Promise.resolve({ view: viewOf(1, 0) });
  };
  const { total, histories } = await count(world, () => world.watches > DAYS * 24);
  expect(total / DAYS).toBeLessThan(300);
  for (const { events, largest } of histories) {
    expect(events).toBeLessThan(MOST_EVENTS);
    expect(largest).toBeLessThan(MOST_PAYLOAD_BYTES);
  }
}, 900_000);

it('two busy days, with an epoch every two hours and a batch every ten minutes, keep histories short', async () => {
  const world = new PretendedWorld({ ended: 1, version: 0 });
  world.watch = async (order: WatchOrder) => {
    world.watches += 1;
    // What the coordinator waits for happens: a batch at a time, and an epoch with every twelfth.
    await new Promise((resolve) => setTimeout(resolve, 5));
    const version = Number(order.version ?? world.node.version);
    world.node = { version, ended: 1 + Math.floor(version / 12_000) };
    return { view: viewOf(world.node.ended, version) };
  };
  const isOver = () => world.spans('transaction').length >= BATCHES;
  const { histories } = await count(world, isOver);
  expect(world.spans('epoch_ending').length).toBeGreaterThan(BATCHES / 12 - 2);
  for (const { events, largest } of histories) {
    expect(events).toBeLessThan(MOST_EVENTS);
    expect(largest).toBeLessThan(MOST_PAYLOAD_BYTES);
  }
}, 600_000);

function viewOf(ended: number, version: number): NodeView {
  return { ended: `${ended}`, version: `${version}`, at: Date.now(), versionsPerSecond: 1 };
}
