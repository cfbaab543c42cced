/** The status shows the trouble of a stream until it is over. */
import { ApplicationFailure } from '@temporalio/client';
import { expect, it, onTestFinished } from 'vitest';
import { readCoordinator } from '../../../src/client/live-status.js';
import { DEFAULT_LIMITS, healthOf } from '../../../src/monitor/health.js';
import { heartbeatAt, workDoneAt } from '../../../src/monitor/work-done.js';
import { PretendedWorld, coordinatorInput, startOptions } from '../../support/coordinator.js';
import { startTemporal, withActivities } from '../../support/temporal.js';
import { until } from '../../support/until.js';
import type { LiveStatus } from '../../../src/contract/answers/shown-answers.js';

it('the status shows the last error, attempts, quarantine and what is due, and the heartbeat stands still meanwhile', async () => {
  const session = await startTemporal();
  onTestFinished(() => session.close());
  const world = new PretendedWorld({ ended: 3, version: 250 });
  let fails = false;
  let holding: (() => void) | undefined;
  world.unit = async ({ type }) => {
    if (type !== 'transaction') return;
    if (fails) throw ApplicationFailure.nonRetryable('its worker died of it', 'QUARANTINED');
    if (holding) await new Promise<void>((resolve) => (holding = resolve));
  };
  await withActivities(session, world.activities, async () => {
    const input = coordinatorInput();
    const handle = await session.client.workflow.start('backupCoordinator', startOptions(input));
    const status = () => readCoordinator(session.client, handle.workflowId);
    const reaches = async (what: string, wanted: (status: LiveStatus) => boolean) => {
      let live: LiveStatus | undefined;
      await until(what, async () => wanted((live = await status())));
      return live!;
    };
    const calm = await reaches('it follows', (s) => s.phase === 'following');
    expect(calm.streams.transaction).toMatchObject({ failures: {}, quarantined: [], failed: [] });
    expect(calm.streams.transaction.due_since).toBeUndefined();
    expect(Number(calm.streams.transaction.committed_records)).toBeGreaterThan(0);
    expect(healthOf(calm, DEFAULT_LIMITS, Date.now()).level).toBe('ok');

    fails = true;
    world.node = { ended: 3, version: 330 };
    const failing = await reaches('it fails', (s) => s.streams.transaction.failed_count > 0);
    const [unit] = failing.streams.transaction.failed;
    expect(unit).toMatchObject({ code: 'QUARANTINED', attempts: 1 });
    expect(failing.streams.transaction).toMatchObject({
      state: 'failing',
      quarantined: [unit!.unit],
      failures: { QUARANTINED: 1 },
      last_error: { unit: unit!.unit, code: 'QUARANTINED', reason: 'its worker died of it' },
    });
    const { due_since: dueSince } = failing.streams.transaction;
    expect(dueSince).toBeDefined();
    expect(healthOf(failing, DEFAULT_LIMITS, Date.now()).reasons.map((r) => r.what)).toContain(
      `transactions: in quarantine ${unit!.unit}`,
    );

    // Epochs end and are stored, and the node answers, but no transactions are stored.
    world.node = { ended: 5, version: 331 };
    const later = await reaches('others go on', (s) => s.streams.state_snapshot.newest === '4');
    await until('time passes', () => Date.now() > workDoneAt(later, 'epoch_ending'));
    expect(later.streams.transaction.due_since).toBe(dueSince);
    expect(workDoneAt(later, 'transaction')).toBe(workDoneAt(failing, 'transaction'));
    expect(workDoneAt(later, 'epoch_ending')).toBeGreaterThan(workDoneAt(later, 'transaction'));
    expect(heartbeatAt(later)).toBe(workDoneAt(later, 'transaction'));

    fails = false;
    holding = () => undefined;
    await handle.executeUpdate('retry', { args: [unit!.unit] });
    const again = await reaches('again', (s) => s.streams.transaction.current !== undefined);
    expect(again.streams.transaction.current).toMatchObject({ attempts: 2 });
    expect(again.streams.transaction.last_error).toBeDefined();
    await until('it is held', () => {
      const release = holding!;
      holding = undefined;
      release();
      return true;
    });
    const over = await reaches('it is over', (s) => s.streams.transaction.failed_count === 0);
    expect(over.streams.transaction.last_error).toBeUndefined();
    expect(over.streams.transaction.due_since).toBeUndefined();
    expect(over.streams.transaction.failures).toEqual({ QUARANTINED: 1 });
    expect(heartbeatAt(over)).toBeGreaterThan(heartbeatAt(later));
    await handle.terminate();
  });
});
