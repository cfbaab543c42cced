/** `stop` ends the backups that a coordinator has in hand, although they are workflows of their own. */
import { Context } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cancelUnits, hasEnded } from '../../src/client/end-units.js';
import { untilEnded } from '../../src/client/followed.js';
import { coordinatorId } from '../../src/client/live-status.js';
import { type BackupInput, startBackup } from '../../src/client/start-backup.js';
import { openMemory } from '../../src/workflows/coordinator/memory/open-memory.js';
import { PretendedWorld, coordinatorInput, startOptions } from '../support/coordinator.js';
import { startTemporal, withActivities } from '../support/temporal.js';
import { until } from '../support/until.js';

let session: Awaited<ReturnType<typeof startTemporal>>;
beforeAll(async () => {
  session = await startTemporal();
});
afterAll(() => session.close());

it('its own backups end with a coordinator, and one that somebody else began goes on', async () => {
  const { client } = session;
  const { signal } = new AbortController();
  const world = new PretendedWorld({ ended: 1, version: 0 });
  Object.assign(world.survey, { epochs: [{ first: '0', last: '0' }], epochsEndAt: '0' });
  const input = coordinatorInput();
  const coordinator = coordinatorId(input.storage);
  const forEver = () => Context.current().cancelled;
  const units: Record<string, WorkflowHandle> = {};
  world.unit = async ({ type, input: unit }) => {
    const by = type === 'state_snapshot' ? coordinator : undefined;
    units[type] = await startBackup(client, type, unit as unknown as BackupInput, by);
    await forEver();
  };
  await withActivities(session, { ...world.activities, planUnit: forEver }, async () => {
    const handle = await client.workflow.start('backupCoordinator', startOptions(input));
    await until('both are in hand', () => Object.keys(units).length === 2);
    await handle.cancel();
    await untilEnded(client, coordinator, signal);

    const { cancelled, left } = await cancelUnits(client, coordinator);
    const [snapshot, transactions] = [units['state_snapshot']!, units['transaction']!];
    expect([...cancelled]).toEqual([[snapshot.workflowId, 'state snapshot of epoch 0']]);
    expect([...left]).toEqual([[transactions.workflowId, 'transactions 0 to 0']]);
    expect(await hasEnded(client, snapshot.workflowId, signal)).toBe(true);
    expect((await snapshot.describe()).status.name).toBe('CANCELLED');
    expect((await transactions.describe()).status.name).toBe('RUNNING');
    // What has ended is not named again.
    expect((await cancelUnits(client, coordinator)).cancelled.size).toBe(0);
    await transactions.terminate();
  });
});

it('a backup ends, too, that its paused stream has not joined again since the last run', async () => {
  const { client } = session;
  const { signal } = new AbortController();
  const world = new PretendedWorld({ ended: 0, version: 0 });
  const input = coordinatorInput();
  const coordinator = coordinatorId(input.storage);
  const memory = openMemory(input, undefined, Date.now());
  const { state_snapshot: stream } = memory.streams;
  stream.paused = true;
  stream.requested.push({ type: 'state_snapshot', epoch: '7' });
  const planUnit = () => Context.current().cancelled;
  await withActivities(session, { ...world.activities, planUnit }, async () => {
    const { node, storage } = input;
    const wanted = { node, storage, epoch: 7 };
    const unit = await startBackup(client, 'state_snapshot', wanted, coordinator);
    const handle = await client.workflow.start('backupCoordinator', {
      ...startOptions(input),
      args: [input, memory],
    });
    await handle.cancel();
    await untilEnded(client, coordinator, signal);
    const { cancelled } = await cancelUnits(client, coordinator);
    expect([...cancelled]).toEqual([[unit.workflowId, 'state snapshot of epoch 7']]);
    expect(await hasEnded(client, unit.workflowId, signal)).toBe(true);
  });
});
