/** A coordinator has the metadata compacted by itself. Nothing waits for it, and a failure is told. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { healthOf, DEFAULT_LIMITS } from '../../../src/monitor/health.js';
import type { CompactionInput } from '../../../src/contract/compaction-input.js';
import { NOW, liveStatus } from '../../support/status.js';
import {
  PretendedWorld,
  coordinatorInput,
  coordinatorStatus,
  startOptions,
} from '../../support/coordinator.js';
import { startTemporal, withActivities } from '../../support/temporal.js';
import { until } from '../../support/until.js';

let session: Awaited<ReturnType<typeof startTemporal>>;
beforeAll(async () => {
  session = await startTemporal();
});
afterAll(() => session.close());

it('above so many files it has the metadata compacted; backups go on meanwhile, and when that fails', async () => {
  const world = new PretendedWorld({ ended: 3, version: 250 });
  world.survey = { ...world.survey, notCompacted: 5 };
  const asked: CompactionInput[] = [];
  let end: (result: { failed?: string }) => void = () => undefined;
  const awaitCompaction = (input: CompactionInput) => {
    asked.push(input);
    return new Promise<{ failed?: string }>((resolve) => (end = resolve));
  };
  await withActivities(session, { ...world.activities, awaitCompaction }, async () => {
    const input = coordinatorInput({ compact_above_files: 5 });
    const handle = await session.client.workflow.start('backupCoordinator', startOptions(input));
    const newest = async () => (await coordinatorStatus(handle)).streams.transaction.newest;
    const configure = (batch: number, files = 4) =>
      handle.executeUpdate('configure', {
        args: [{ ...input, transaction_batch_size: batch, compact_above_files: files }],
      });
    const alarm = async () =>
      (await coordinatorStatus(handle)).alarms.find(({ code }) => code === 'COMPACTION');
    await until('it has caught up', async () => (await newest()) === '200');
    expect(asked).toEqual([]); // five are not more than five

    // Each change of the settings has the storage looked at anew.
    world.survey = { ...world.survey, versions: [{ first: '0', last: '200' }] };
    await configure(50);
    await until('it is asked for', () => asked.length === 1);
    expect(asked).toEqual([{ storage: input.storage }]);
    world.node = { ended: 3, version: 500 };
    await until('the stream goes on', async () => (await newest()) === '500');
    end({ failed: 'the bucket is locked' });
    await until('it is told', async () => (await alarm()) !== undefined);
    const why = 'the metadata could not be compacted: the bucket is locked';
    expect(await alarm()).toMatchObject({ text: why });
    const { alarms } = await coordinatorStatus(handle);
    const health = healthOf(liveStatus({}, { alarms }), DEFAULT_LIMITS, NOW);
    expect(health).toMatchObject({ level: 'warning', reasons: [{ level: 'warning' }] });
    world.node = { ended: 3, version: 600 };
    await until('the stream goes on', async () => (await newest()) === '600');

    world.survey = { ...world.survey, versions: [{ first: '0', last: '600' }] };
    await configure(60);
    await until('it is tried again', () => asked.length === 2);
    end({});
    await until('the alarm is over', async () => (await alarm()) === undefined);

    await configure(70, 0);
    world.node = { ended: 3, version: 700 };
    await until('it has looked again', async () => (await newest()) === '700');
    expect(asked).toHaveLength(2); // 0 turns it off
    await handle.terminate();
  });
});
