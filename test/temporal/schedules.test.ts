/**
 * Schedules on a real server: after an outage, one run makes up for all missed ones, and the list says
 * how runs ended.
 */
import { rmSync } from 'node:fs';
import { ApplicationFailure } from '@temporalio/client';
import { expect, it, onTestFinished } from 'vitest';
import { DEFAULT_LIMITS, healthOf } from '../../src/monitor/health.js';
import { createSchedule, listSchedules, scheduleIdOf } from '../../src/client/schedules.js';
import { describeSchedule } from '../../src/monitor/format.js';
import { openTemporal } from '../../src/temporal-server/open-temporal.js';
import { withoutServer } from '../../src/temporal-server/without-server.js';
import { liveStatus } from '../support/status.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { withActivities } from '../support/temporal.js';
import { until } from '../support/until.js';
import type { ListedSchedule } from '../../src/contract/answers/shown-answers.js';

const EVERY_MS = 30_000;
const KINDS = ['compact', 'due', 'epoch-ending', 'state-snapshot', 'transaction', 'verify'];

it('after a server was away for several runs of each schedule, one run of each starts, and a failed one is reported', async () => {
  const dataFolder = temporaryFolder('schedules');
  onTestFinished(() => rmSync(dataFolder, { recursive: true, force: true }));
  const env = withoutServer(process.env);
  const open = () => openTemporal({ dataFolder, say: () => undefined, env });
  const storage = { local_fs_dir: '/backups/of-schedules' };
  let session = await open();
  const listed = async () => {
    const all = await listSchedules(session.client);
    return Object.fromEntries(all.map((one) => [one.id.split('/').at(-1)!, one]));
  };
  const taken = async (kind: string) => {
    const handle = session.client.schedule.getHandle(scheduleIdOf(storage, kind));
    return (await handle.describe()).info.numActionsTaken;
  };
  const input = { node: 'http://localhost:6186', storage };
  // Intervals count from the epoch, so there is time before the first run.
  await until('one has begun', () => Date.now() % EVERY_MS < 2_000);
  for (const kind of KINDS) await createSchedule(session.client, kind, input, '30s');
  await until('all are listed', async () => Object.keys(await listed()).length === KINDS.length);
  for (const kind of KINDS) expect(await taken(kind)).toBe(0);
  const fresh = (await listed())['verify']!;
  expect(fresh).toMatchObject({ paused: false, every_ms: EVERY_MS, missed: 0 });
  await session.close();

  // Away for three runs of each.
  await new Promise((resolve) => setTimeout(resolve, 3 * EVERY_MS));
  session = await open();
  onTestFinished(() => session.close());
  for (const kind of KINDS) await until(`${kind} runs`, async () => (await taken(kind)) > 0);
  // One of the three missed runs has started. No worker is there, so it stays open.
  for (const kind of KINDS) expect(await taken(kind)).toBe(1);
  expect((await listed())['verify']!.outcome).toBe('runs');

  // With a worker whose activities fail for good.
  const refuse = () => Promise.reject(ApplicationFailure.nonRetryable('no such storage'));
  let told: Awaited<ReturnType<typeof listed>> = {};
  await withActivities(session, { planVerification: refuse, surveyStorage: refuse }, async () => {
    await until('that is told', async () => {
      told = await listed();
      return told['verify']!.outcome === 'failed';
    });
  });
  expect(told['verify']!.why).toMatch(/no such storage/);
  const failing = liveStatus({}, { schedules: Object.values(told) });
  expect(healthOf(failing, DEFAULT_LIMITS, Date.now()).reasons).toContainEqual({
    level: 'warning',
    code: 'SCHEDULE_FAILED_verify',
    what: expect.stringMatching(/^schedule verify: its last run, of 20.*no such storage/) as string,
  });
});

it('the list of schedules says which one is overdue, and how its last run ended', () => {
  const one: ListedSchedule = {
    ...{ id: 'x/schedule/verify', paused: false, created_at: '2026-01-01T00:00:00.000Z' },
    ...{ every_ms: 86_400_000, next: '2026-01-02T00:00:00.000Z', missed: 0 },
  };
  expect(describeSchedule(one)).toBe('every 24h0m, next 2026-01-02T00:00:00.000Z, last never');
  expect(
    describeSchedule({
      ...one,
      ...{
        overdue: true,
        last: '2026-01-01T00:00:00.000Z',
        outcome: 'failed',
        why: 'x',
        missed: 2,
      },
    }),
  ).toBe(
    'every 24h0m, OVERDUE since 2026-01-02T00:00:00.000Z, last 2026-01-01T00:00:00.000Z (failed: x), 2 missed',
  );
  expect(describeSchedule({ ...one, paused: true })).toMatch(/^every 24h0m, paused, /);
});
