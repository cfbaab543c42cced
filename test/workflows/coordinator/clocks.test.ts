/**
 * Clocks of workers and of the server differ and are set: nothing loops because of it, and nothing waits
 * long.
 */
import { rmSync } from 'node:fs';
import { activityInfo } from '@temporalio/activity';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { COORDINATOR_BUDGETS } from '../../../src/activities/activity-failure.js';
import { withHeartbeat } from '../../../src/activities/heartbeat.js';
import { createCoordinatorActivities } from '../../../src/activities/coordinator-activities.js';
import { Sites } from '../../../src/activities/sites.js';
import type { WatchOrder, WatchResult } from '../../../src/contract/coordinator-state.js';
import type { CoordinatorMemory } from '../../../src/contract/coordinator-memory.js';
import { openMemory } from '../../../src/workflows/coordinator/memory/open-memory.js';
import { devnode, storageFolder } from '../../support/backup.js';
import {
  PretendedWorld,
  coordinatorInput,
  coordinatorStatus,
  startOptions,
} from '../../support/coordinator.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { startTemporal, withActivities } from '../../support/temporal.js';
import { until } from '../../support/until.js';

let session: Awaited<ReturnType<typeof startTemporal>>;
beforeAll(async () => {
  session = await startTemporal();
});
afterAll(() => session.close());

const HOUR = 60 * 60_000;

function realActivities() {
  const data = temporaryFolder('data');
  const sites = new Sites(data);
  onTestFinished(async () => {
    await sites.close();
    rmSync(data, { recursive: true, force: true });
  });
  return createCoordinatorActivities({ sites });
}

it('a watch whose clock is a minute early waits until the batch closes', async () => {
  const node = await devnode({ transactions: 250 });
  const { version } = node.facts();
  const real = realActivities();
  const world = new PretendedWorld({ ended: 0, version: 0 });
  world.watch = ({ keepClaim: _, ...order }: WatchOrder) => {
    world.watches += 1;
    return withHeartbeat(COORDINATOR_BUDGETS, () => real.watchNode(order));
  };
  const now = Date.now.bind(Date);
  const early = vi.spyOn(Date, 'now').mockImplementation(() => now() + 60_000);
  onTestFinished(() => early.mockRestore());
  const input = coordinatorInput({
    node: node.address,
    storage: { local_fs_dir: storageFolder() },
    transaction_batch_seconds: 5,
  });
  await withActivities(session, world.activities, async () => {
    const handle = await session.client.workflow.start('backupCoordinator', startOptions(input));
    await until('a batch is open', () => world.spans('transaction').includes('101-200'));
    const before = world.watches;
    const last = `201-${version}`;
    await until('it is closed', () => world.spans('transaction').includes(last));
    expect(world.watches - before).toBeLessThan(10);
    await handle.terminate();
  });
});

/**
 * The memory of a coordinator that has caught up and had a failed unit, written by a clock that is ahead.
 */
function memoryFrom(now: number, extra: object = {}): CoordinatorMemory {
  const memory = openMemory(coordinatorInput(extra), undefined, now);
  const versions = [{ first: '0', last: '200' }];
  const survey = { ...new PretendedWorld({ ended: 0, version: 0 }).survey, versions };
  const target = { type: 'transaction', first: '51', last: '60' } as const;
  const failed = { target, reason: 'x', code: 'X', attempts: 1 };
  Object.assign(memory, { survey, surveyedAt: now, tidyAt: now });
  Object.assign(memory.streams.transaction, {
    batchOpenSince: now,
    askedAt: now,
    dueSince: now,
    lastCommit: { at: now, what: 'x', records: '1', bytes: 1, seconds: 1 },
    failed: [{ ...failed, failedAt: now, retryAt: now + HOUR }],
  });
  return memory;
}

it('remembered times in the future count as now', () => {
  const now = 1_000_000_000;
  const { surveyedAt, startedAt, tidyAt, streams } = openMemory({}, memoryFrom(now + HOUR), now);
  expect([surveyedAt, startedAt]).toEqual([now, now]);
  expect(tidyAt! - now).toBeLessThan(HOUR / 2);
  expect(streams.transaction).toMatchObject({
    batchOpenSince: now,
    askedAt: now,
    dueSince: now,
    lastCommit: { at: now },
    failed: [{ failedAt: now, retryAt: now + 60_000 }],
  });
  const before = memoryFrom(now - HOUR);
  expect(openMemory({}, structuredClone(before), now)).toEqual(before);
});

it('a batch that was opened in the future closes when its time is over', async () => {
  const world = new PretendedWorld({ ended: 0, version: 250 });
  const extra = { transaction_batch_seconds: 1 };
  const memory = memoryFrom(Date.now() + HOUR, extra);
  memory.streams.transaction.failed = [];
  const input = coordinatorInput(extra);
  await withActivities(session, world.activities, async () => {
    const options = { ...startOptions(input), args: [input, memory] };
    const handle = await session.client.workflow.start('backupCoordinator', options);
    await until('it is closed', () => world.spans('transaction').includes('201-250'));
    await handle.terminate();
  });
});

it('a coordinator starts a new run, once, when the clock of the server is set back', async () => {
  const world = new PretendedWorld({ ended: 0, version: 250 });
  const { watch } = world;
  let isSetBack = false;
  let ahead: string | undefined;
  world.watch = async (order): Promise<WatchResult> => {
    if (!isSetBack) return watch(order);
    // An activity that started before stays ahead: the answer to an outdated order is lost.
    const { runId } = activityInfo().workflowExecution!;
    ahead ??= runId;
    return runId === ahead ? { view: order.view!, clockSetBack: true } : watch(order);
  };
  const input = coordinatorInput();
  await withActivities(session, world.activities, async () => {
    const handle = await session.client.workflow.start('backupCoordinator', startOptions(input));
    await until('it has caught up', async () => {
      const { phase, streams } = await coordinatorStatus(handle);
      return phase === 'following' && streams.transaction.newest === '200';
    });
    isSetBack = true;
    world.node = { ended: 0, version: 350 };
    await until('it has begun anew', async () => (await coordinatorStatus(handle)).runs === 2);
    world.node = { ended: 0, version: 450 };
    await until('it goes on', () => world.spans('transaction').includes('301-400'));
    expect((await coordinatorStatus(handle)).runs).toBe(2);
    await handle.terminate();
  });
});

it('a watch says when the time of its order is ahead of the server', async () => {
  const real = realActivities();
  const world = new PretendedWorld({ ended: 0, version: 0 });
  const results: WatchResult[] = [];
  world.watch = async (order) => {
    const late = { ...order, at: order.at! + HOUR };
    const result = await withHeartbeat(COORDINATOR_BUDGETS, () => real.watchNode(late));
    results.push(result);
    return result;
  };
  const input = coordinatorInput({ storage: { local_fs_dir: storageFolder() } });
  await withActivities(session, world.activities, async () => {
    const handle = await session.client.workflow.start('backupCoordinator', startOptions(input));
    await until('it says so', () => results.length > 0);
    await handle.terminate();
  });
  expect(results[0]).toMatchObject({ clockSetBack: true });
});
