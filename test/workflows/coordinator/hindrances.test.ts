/**
 * What hinders a stream: a node that is away or prunes, or an earlier pause. None of it lasts for ever or
 * loops.
 */
import { Context } from '@temporalio/activity';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { NodeView } from '../../../src/contract/coordinator-memory.js';
import { decide } from '../../../src/workflows/coordinator/decide.js';
import { type Target, workflowIdOf } from '../../../src/contract/job.js';
import { CONTROL_QUEUE } from '../../../src/contract/messages.js';
import { Memory } from '../../../src/workflows/coordinator/memory/memory.js';
import { openMemory } from '../../../src/workflows/coordinator/memory/open-memory.js';
import { watchOrderOf } from '../../../src/workflows/coordinator/watch-order.js';
import { PretendedWorld, coordinatorInput, startOptions } from '../../support/coordinator.js';
import { startTemporal, withActivities } from '../../support/temporal.js';
import { until } from '../../support/until.js';
import type { BackupStatus } from '../../../src/contract/answers/backup-answers.js';

let session: Awaited<ReturnType<typeof startTemporal>>;
beforeAll(async () => {
  session = await startTemporal();
});
afterAll(() => session.close());

const target = { type: 'transaction', first: '5001', last: '6000' } satisfies Target;

/** A coordinator with this failed unit. */
function memoryWith(code: string, node: Partial<NodeView>) {
  const input = coordinatorInput({ transaction_batch_size: 1000, transaction_batch_seconds: 1 });
  const memory = openMemory(input, undefined, 0);
  const world = new PretendedWorld({ ended: 0, version: 0 });
  const versions = [{ first: '0', last: '5000' }];
  memory.survey = { ...world.survey, versions, epochs: [{ first: '0', last: '9' }] };
  memory.node = { ended: '10', version: '9000', at: 1, versionsPerSecond: 1, ...node };
  const failed = { target, reason: 'x', code, attempts: 1, failedAt: 1, retryAt: 2 };
  memory.streams.transaction.failed.push(failed);
  return memory;
}

it('a watch does not return for a unit that cannot be done then', () => {
  const until = (node: Partial<NodeView>, tidyAt?: number, tidying = false) => {
    const memory = memoryWith('RANGES_FAILED', node);
    if (tidyAt !== undefined) memory.tidyAt = tidyAt;
    return watchOrderOf(memory, {}, {}, { tidying, watchFailed: false }).until;
  };
  expect(until({})).toBe(2);
  expect(until({ problem: 'it is away' })).toBeUndefined();
  expect(until({ problem: 'it is away' }, 7)).toBe(7);
  expect(until({ problem: 'it is away' }, 0, true)).toBeUndefined();

  const memory = memoryWith('RANGES_FAILED', {});
  memory.streams.transaction.requested.push(target);
  expect(
    watchOrderOf(memory, {}, {}, { tidying: false, watchFailed: false }).until,
  ).toBeUndefined();
});

it('a unit whose first version was pruned is planned again from what the node still has', () => {
  const next = (oldestVersion: string) => {
    const memory = memoryWith('NODE_PRUNED', { oldestVersion });
    new Memory(memory).nodeSeen(memory.node!);
    const { settings, survey, node, streams } = memory;
    const situation = { settings, survey: survey!, node: node!, streams, now: 1 };
    return decide('transaction', situation);
  };
  expect(next('5701')).toEqual({ start: { type: 'transaction', first: '5701', last: '6000' } });
  // The node says that it has data which it does not have. That is tried again, but not at once.
  expect(next('5001')).toEqual({ start: { type: 'transaction', first: '6001', last: '7000' } });
});

it('a unit that was paused goes on under a coordinator whose stream is not', async () => {
  const world = new PretendedWorld({ ended: 1, version: 0 });
  const forEver = () => Context.current().cancelled;
  world.unit = forEver;
  const activities = { ...world.activities, planUnit: forEver };
  await withActivities(session, activities, async () => {
    const input = coordinatorInput();
    const { node, storage } = input;
    const unit = await session.client.workflow.start('epochEndingBackup', {
      workflowId: workflowIdOf('pretend', { type: 'epoch_ending', first: '0', last: '0' }),
      taskQueue: CONTROL_QUEUE,
      args: [{ node, storage, start_epoch: 0, end_epoch: 1 }],
    });
    await unit.executeUpdate('pause');
    const coordinator = await session.client.workflow.start(
      'backupCoordinator',
      startOptions(input),
    );
    await until('it goes on', async () => !(await unit.query<BackupStatus>('status')).paused);
    await Promise.all([coordinator.terminate(), unit.terminate()]);
  });
});

it.each([
  ['away', { problem: 'the node does not answer' }, /^the node does not answer$/],
  ['never seen', { at: 0 }, /^the node was not seen$/],
  ['wiped', { version: '99' }, /is at version 99, behind the storage, which goes to 500$/],
])('what is due fails when the node is %s', async (_, node, why) => {
  const world = new PretendedWorld({ ended: 6, version: 500 });
  world.survey.versions = [{ first: '0', last: '500' }];
  const view = { ended: '6', version: '500', at: 1, versionsPerSecond: 1, ...node };
  world.watch = () => Promise.resolve({ view });
  await withActivities(session, world.activities, async () => {
    const run = session.client.workflow.execute('backupDue', startOptions(coordinatorInput()));
    await expect(run).rejects.toMatchObject({
      cause: { type: 'NODE_UNUSABLE', message: expect.stringMatching(why) as string },
    });
  });
  expect(world.calls).toEqual([]);
});
