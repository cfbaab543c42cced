/** The version of a node in the status goes back only when the node goes back. */
import { Context } from '@temporalio/activity';
import { expect, it, onTestFinished } from 'vitest';
import { readCoordinator } from '../../../src/client/live-status.js';
import type { WatchOrder, WatchResult } from '../../../src/contract/coordinator-state.js';
import type { NodeView } from '../../../src/contract/coordinator-memory.js';
import { PretendedWorld, coordinatorInput, startOptions } from '../../support/coordinator.js';
import { startTemporal, withActivities } from '../../support/temporal.js';
import { until } from '../../support/until.js';

/**
 * A node that always grows, and a watch that starts slowly and returns its last view when it is dropped.
 */
class GrowingWorld extends PretendedWorld {
  dropped = 0;
  private at = 0;

  override watch = async (order: WatchOrder): Promise<WatchResult> => {
    this.watches += 1;
    const { cancellationSignal: signal } = Context.current();
    await new Promise((resolve) => setTimeout(resolve, order.view ? 1_000 : 0));
    for (;;) {
      this.node.version += 1;
      const { ended, version } = this.node;
      const numbers = { ended: `${ended}`, version: `${version}`, versionsPerSecond: 1 };
      this.at = Math.max(Date.now(), this.at + 1); // no two looks in the same millisecond
      const view: NodeView = { ...numbers, at: this.at };
      Context.current().heartbeat({ view });
      const due = order.version !== undefined && BigInt(order.version) <= BigInt(version);
      if (signal.aborted) this.dropped += 1;
      if (!order.view || due || signal.aborted) return { view };
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
}

it('the known version of a node never goes back, whichever watch has seen it and whenever a new run starts', async () => {
  const session = await startTemporal();
  onTestFinished(() => session.close());
  const world = new GrowingWorld({ ended: 3, version: 10_050 });
  await withActivities(session, world.activities, async () => {
    const input = coordinatorInput({ transaction_batch_seconds: 1_000_000 });
    const handle = await session.client.workflow.start('backupCoordinator', startOptions(input));
    const seen: number[] = [];
    const look = async () => {
      const { seen: now } = await readCoordinator(session.client, handle.workflowId);
      if (now) seen.push(Number(now.version));
    };
    await until('it follows', async () => {
      await look();
      return world.watches > 2;
    });
    let batch = 100;
    for (let times = 1; times <= 3; times += 1) {
      const before = world.dropped;
      await until('it goes on', async () => {
        const { version } = world.node; // before the look, which takes its time
        await look();
        return seen.at(-1)! > version - 50;
      });
      let looks = 0;
      await until('one is dropped', async () => {
        // Another order, so the watch is dropped for a new one. It may already be due, or learn of it
        // late, and then return by itself. Either way, one more order follows soon.
        if (looks % 5 === 0) {
          batch += 1;
          const order = { ...input, transaction_batch_size: batch };
          await handle.executeUpdate('configure', { args: [order] });
        }
        looks += 1;
        await look();
        return world.dropped > before;
      });
    }
    await until('it is seen again', async () => (await look(), seen.length > 100));
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    await handle.terminate();
  });
});
