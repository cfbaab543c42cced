/** When a coordinator has its second storage brought in step. Nothing waits for it, and a failure is told. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Context } from '@temporalio/activity';
import type { CopyInput } from '../../../src/contract/copy-input.js';
import type { Copied, CopyNews } from '../../../src/contract/kept-copy.js';
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

it('one copy at a time begins when something is missing; trouble is an alarm, and new limits reach the running one', async () => {
  const world = new PretendedWorld({ ended: 3, version: 250 });
  const asked: { input: CopyInput; troubled: boolean }[] = [];
  let running = 0;
  let most = 0;
  let tell: (news: CopyNews) => void = () => undefined;
  let has: Copied = { epochs: [], versions: [], snapshots: [] };
  const lookAtCopy = () => Promise.resolve({ has, exists: true, workflowId: 'the-copy' });
  const awaitCopy = async (input: CopyInput, troubled: boolean) => {
    const news = new Promise<CopyNews>((resolve) => (tell = resolve));
    asked.push({ input, troubled });
    most = Math.max(most, (running += 1));
    const beat = setInterval(() => Context.current().heartbeat(), 10);
    try {
      return await Promise.race([news, Context.current().cancelled]);
    } finally {
      clearInterval(beat);
      running -= 1;
    }
  };
  const activities = { ...world.activities, lookAtCopy, awaitCopy };
  await withActivities(session, activities, async () => {
    const input = coordinatorInput({
      copy_to: { url: 's3://bucket/two' },
      transaction_batch_size: 50,
    });
    const handle = await session.client.workflow.start('backupCoordinator', startOptions(input));
    const status = () => coordinatorStatus(handle);
    const alarm = async () => (await status()).alarms.find(({ code }) => code === 'COPY')?.text;
    const configure = (more: object) =>
      handle.executeUpdate('configure', { args: [{ ...input, ...more }] });
    const stored = async () => (await status()).streams.transaction.newest;
    await until('it has caught up, and copies', async () => {
      return (await stored()) === '250' && asked.length === 1;
    });
    expect(asked[0]).toEqual({
      input: expect.objectContaining({ from: input.storage, existing_target: true }) as CopyInput,
      troubled: false,
    });
    expect((await status()).copy).toMatchObject({
      to: 's3://bucket/two',
      running: true,
      workflow_id: 'the-copy',
      lag_versions: '251',
    });

    tell({ troubled: 'the bucket is away' });
    await until('it is told', async () => (await alarm()) !== undefined);
    expect(await alarm()).toBe('the copy in s3://bucket/two: the bucket is away');
    await until('it still waits', () => asked.length === 2);
    expect(asked[1]!.troubled).toBe(true);
    world.node = { ended: 3, version: 300 };
    await until('backups go on', async () => (await stored()) === '300');
    tell({ well: true });
    await until('the alarm is over', async () => (await alarm()) === undefined);
    await until('it still waits', () => asked.length === 3);

    expect(most).toBe(1);

    // Each change of the settings has the storage looked at anew.
    const [epochs, versions] = [[{ first: '0', last: '2' }], [{ first: '0', last: '300' }]];
    world.survey = { ...world.survey, epochs, versions, snapshots: ['2', '0'] };
    await configure({ copy_bytes_per_second: 7000 });
    await until('the limits are handed on', () => asked.length === 4);
    expect(asked[3]!.input.bytes_per_second).toBe(7000);

    // Some of it was damaged. That is tried again, and stays an alarm until everything has arrived.
    has = { epochs: [{ first: '0', last: '2' }], versions: [], snapshots: ['2'] };
    const look = { has, exists: true, workflowId: 'the-copy' };
    tell({ failed: 'a chunk is damaged', incomplete: true, look });
    await until('it is told', async () => (await alarm()) !== undefined);
    expect((await status()).copy).toMatchObject({ outcome: 'failed', why: 'a chunk is damaged' });
    await handle.executeUpdate('retry');
    await until('it is tried again', () => asked.length === 5);
    tell({ well: true });
    await until('it still waits', () => asked.length === 6);
    expect(await alarm()).toContain('a chunk is damaged');
    tell({});
    await until('it is in step', async () => (await status()).copy?.behind_since === undefined);
    expect((await status()).copy).toMatchObject({ lag_versions: '0', lag_epochs: '0' });
    expect(await alarm()).toBeUndefined();

    const none = { copy_to: null, copy_bytes_per_second: null };
    await handle.executeUpdate('configure', { args: [none] });
    await until('it keeps none', async () => (await status()).copy === undefined);
    await handle.terminate();
  });
});
