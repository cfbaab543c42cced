import { ApplicationFailure, type WorkflowHandle } from '@temporalio/client';
import type { WatchOrder, WatchResult } from '../../../src/contract/coordinator-state.js';
import type { CoordinatorInput } from '../../../src/contract/coordinator-input.js';
import { CONTROL_QUEUE } from '../../../src/contract/messages.js';
import type { TemporalSession } from '../../../src/temporal-server/open-temporal.js';
import {
  PretendedWorld,
  coordinatorInput,
  coordinatorStatus,
  startOptions,
} from '../../support/coordinator.js';
import { withActivities } from '../../support/temporal.js';
import { until } from '../../support/until.js';
import type { Save } from '../record.js';

/** Coordinators: one with every message and trouble, two runs of a busy one, and one turn of `due`. */
export async function recordCoordinators(session: TemporalSession, save: Save): Promise<void> {
  await withMessages(session, save);
  await twoRuns(session, save);
  await oneTurn(session, save);
}

const start = (session: TemporalSession, input: CoordinatorInput) =>
  session.client.workflow.start('backupCoordinator', startOptions(input));

async function withMessages(session: TemporalSession, save: Save): Promise<void> {
  const world = new PretendedWorld({ ended: 3, version: 250 });
  world.surveyError = ApplicationFailure.nonRetryable('the storage is away', 'STORAGE_UNAVAILABLE');
  let lied = false;
  world.unit = ({ type }) => {
    if (type !== 'state_snapshot' || lied) return Promise.resolve();
    lied = true;
    throw ApplicationFailure.nonRetryable('the node lied', 'NODE_LIED');
  };
  await withActivities(session, world.activities, async () => {
    const input = coordinatorInput();
    const handle = await start(session, input);
    const tell = (name: string, argument?: unknown) =>
      handle.executeUpdate<unknown, [unknown]>(name, { args: [argument] });
    const status = () => coordinatorStatus(handle);
    await until('it has seen the trouble', async () => (await status()).alarms.length > 0);
    world.surveyError = undefined;
    await tell('retry');
    await until('it follows', async () => (await status()).streams.transaction.newest === '200');
    await until('a unit has failed', async () => {
      return (await status()).streams.state_snapshot.failed.length > 0;
    });
    await tell('retry', (await status()).streams.state_snapshot.failed[0]!.unit);
    await tell('pause', 'transaction');
    world.node = { ended: 6, version: 590 };
    await until('epochs go on', async () => (await status()).streams.epoch_ending.newest === '5');
    await tell('setConcurrency', 7);
    await tell('resume');
    await until('it follows', async () => (await status()).streams.transaction.newest === '500');
    await tell('backUpNow', { type: 'transaction' });
    await until('the rest, too', async () => {
      return (await status()).streams.transaction.newest === '590';
    });
    // It looks at this again when its settings change.
    const versions = [{ first: '0', last: '590' }];
    world.survey = { ...world.survey, epochs: [{ first: '0', last: '5' }], versions };
    await tell('configure', { ...input, transaction_batch_size: 50 });
    world.node = { ended: 6, version: 650 };
    await until('in the new size', async () => {
      return (await status()).streams.transaction.newest === '650';
    });
    await handle.cancel();
    await handle.result().catch(() => undefined);
    await save('coordinator-with-messages', handle.workflowId);
  });
}

/** A batch with each answer of the node until the first run hands over to the second. */
async function twoRuns(session: TemporalSession, save: Save): Promise<void> {
  const world = new PretendedWorld({ ended: 1, version: 0 });
  world.watch = async (order: WatchOrder): Promise<WatchResult> => {
    await new Promise((resolve) => setTimeout(resolve, 2));
    const version = Number(order.version ?? world.node.version);
    world.node = { version, ended: 1 + Math.floor(version / 1_000) };
    const { ended } = world.node;
    const view = { ended: `${ended}`, version: `${version}`, at: Date.now() };
    return { view: { ...view, versionsPerSecond: 1 } };
  };
  await withActivities(session, world.activities, async () => {
    const handle = await start(session, coordinatorInput());
    const first = handle.firstExecutionRunId;
    let before = Infinity;
    await until('the second run works', async () => {
      const { runs, streams } = await coordinatorStatus(handle);
      if (runs === 1) before = streams.transaction.committed;
      return runs > 1 && streams.transaction.committed > before + 20;
    });
    await handle.terminate();
    const { runId } = await handle.describe();
    await save('coordinator-first-run', handle.workflowId, first);
    await save('coordinator-second-run', handle.workflowId, runId);
  });
}

async function oneTurn(session: TemporalSession, save: Save): Promise<void> {
  const world = new PretendedWorld({ ended: 3, version: 250 });
  await withActivities(session, world.activities, async () => {
    const handle: WorkflowHandle = await session.client.workflow.start('backupDue', {
      workflowId: 'due',
      taskQueue: CONTROL_QUEUE,
      args: [coordinatorInput()],
    });
    await handle.result();
    await save('due', handle.workflowId);
  });
}
