/**
 * The workflow of a verification: what its runs hand on, and what happens with a task that cannot be
 * done.
 */
import { activityInfo } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startVerify } from '../../src/client/start-verification.js';
import { CONTROL_QUEUE } from '../../src/contract/messages.js';
import type {
  TaskResult,
  VerifyCursor,
  VerifyPage,
  VerifyTask,
} from '../../src/contract/verification.js';
import { type VerifyTotals, noVerifyTotals } from '../../src/contract/verify-totals.js';
import { startTemporal, withActivities } from '../support/temporal.js';
import { until } from '../support/until.js';

let session: Awaited<ReturnType<typeof startTemporal>>;
beforeAll(async () => {
  session = await startTemporal();
});
afterAll(() => session.close());

const NOTHING: TaskResult = {
  findings: [],
  findingCount: 0,
  pieces: [],
  records: '1',
  bytes: 1,
  objects: 1,
  skipped: 0,
};
const CURSOR: VerifyCursor = { kind: 'transactions', first: '1', manifest: 'm', from: 0 };
const transactions = (manifest: string): VerifyTask => {
  const span = { first: '0', last: '9', from: 0, to: 1, of: 1 };
  return { kind: 'transactions', slices: [{ source: 's', manifest, ...span }] };
};
const conclude = (_settings: unknown, _scope: unknown, totals: VerifyTotals) =>
  Promise.resolve({
    ok: totals.findingCount === 0,
    findings: totals.findings,
    finding_count: totals.findingCount,
    missing: { epoch_endings: [], transactions: [], state_snapshots: [] },
    read_so_far: { backups: 0, of_backups: 0, bytes: 0, of_bytes: 0 },
  });

it('a concurrency that was set also holds in later runs', async () => {
  const runs = new Set<string>();
  const waiting: (() => void)[] = [];
  let open = false;
  const activities = {
    // The first page alone is longer than a run.
    planVerification: (_settings: unknown, _scope: unknown, cursor?: VerifyCursor) =>
      Promise.resolve<VerifyPage>({
        tasks: Array.from({ length: cursor ? 20 : 300 }, () => transactions('m')),
        frozen: {},
        ...(cursor ? {} : { next: CURSOR }),
      }),
    verifyTask: async () => {
      runs.add(activityInfo().workflowExecution!.runId);
      if (open && runs.size === 1) return NOTHING;
      await new Promise<void>((resolve) => waiting.push(resolve));
      return NOTHING;
    },
    concludeVerification: conclude,
  };
  const release = () => {
    for (const go of waiting.splice(0)) go();
  };
  await withActivities(session, activities, async () => {
    const storage = { local_fs_dir: '/set' };
    const { handle } = await startVerify(session.client, { storage, concurrency: 1 });
    await until('a task runs', () => waiting.length === 1);
    await handle.executeUpdate('setConcurrency', { args: [7] });
    open = true;
    release();
    await until('the next run has begun', () => runs.size === 2);
    // What its start had said is gone, so the details of each run name the storage again.
    const { currentDetails } = await handle.query<{ currentDetails: string }>(
      '__temporal_workflow_metadata',
    );
    expect(currentDetails).toMatch(/^- \*\*storage\*\*: \/set\n/);
    try {
      await until('seven of its tasks run', () => waiting.length === 7, 20_000);
    } finally {
      const letting = setInterval(release, 20);
      await handle.result();
      clearInterval(letting);
    }
  });
});

it('a running verification is joined by a start with the same options, and by no other', async () => {
  const { client } = session;
  const storage = { local_fs_dir: '/joined' };
  const [a, b] = [`1:${'aa'.repeat(32)}`, `2:${'bb'.repeat(32)}`];
  const first = await startVerify(client, { storage, trust_waypoints: [a, b] });
  expect(first.begunAt).toBeUndefined();
  const same = await startVerify(client, {
    concurrency: 9,
    start_version: '0',
    ...{ storage, trust_waypoints: [b, a], again: false },
  });
  expect(same.handle.workflowId).toBe(first.handle.workflowId);
  expect(same.begunAt).toEqual((await first.handle.describe()).startTime);
  const ids = new Set([first.handle.workflowId]);
  for (const other of [
    {},
    { trust_waypoints: [a] },
    { again: true },
    { sample: '1/100' },
    { sample: '1%' },
    { start_version: 1 },
    { end_version: 9 },
    { state_snapshots: 'newest' as const },
    { state_snapshot_before_version: 9 },
    { budget_bytes: 9 },
    { budget_seconds: 9 },
    { network: 'mainnet' },
  ]) {
    const { handle, begunAt } = await startVerify(client, { storage, ...other });
    expect(begunAt).toBeUndefined();
    expect(handle.workflowId).toMatch(/^aptos-backup\/[\w.-]+-[0-9a-f]{8}\/verify\/\w{8}$/);
    ids.add(handle.workflowId);
  }
  expect(ids.size).toBe(13);
  for (const id of ids) await client.workflow.getHandle(id).terminate();
});

it('a task that kills its thread becomes a finding, and the rest is verified', async () => {
  const activities = {
    planVerification: () =>
      Promise.resolve({ tasks: ['a', 'deadly', 'b'].map(transactions), frozen: {} }),
    verifyTask: (_settings: unknown, task: VerifyTask) => {
      if (task.kind === 'transactions' && task.slices[0]!.manifest === 'deadly') {
        throw ApplicationFailure.nonRetryable('it needed more than its memory', 'THREAD_DIED');
      }
      return Promise.resolve(NOTHING);
    },
    concludeVerification: conclude,
  };
  await withActivities(session, activities, async () => {
    const { handle } = await startVerify(session.client, { storage: { local_fs_dir: '/deadly' } });
    await expect(handle.result()).rejects.toMatchObject({
      cause: { type: 'VERIFY_FAILED', details: [{ finding_count: 1 }] },
    });
    await expect(handle.result()).rejects.toMatchObject({
      cause: { message: expect.stringMatching(/first deadly: .*more than its memory/) as string },
    });
    expect(await handle.query('status')).toMatchObject({ tasks: 3, records: '2' });
  });
});

describe('a verification fails at once if its second argument is not from an earlier run, such as', () => {
  const memory = {
    cursor: CURSOR,
    totals: noVerifyTotals(),
    frozen: { endVersion: '5' },
    startedAt: 1,
  };
  const unused = { planVerification: () => Promise.reject(new Error('not reached')) };
  it.each([
    ['a word', 'memory'],
    ['empty totals', { totals: {} }],
    ['no cursor', { ...memory, cursor: undefined }],
    ['a piece of nothing', { ...memory, totals: { ...memory.totals, pieces: [{}] } }],
    [
      'a number of records that is no number',
      { ...memory, totals: { ...memory.totals, records: 'many' } },
    ],
    ['an invalid version', { ...memory, frozen: { endVersion: 'newest' } }],
    ['a start that is no time', { ...memory, startedAt: 9e15 }],
    ['no lanes', { ...memory, concurrency: 0 }],
  ])('%s', async (name, second) => {
    await withActivities(session, unused, async () => {
      const handle = await session.client.workflow.start('verifyBackups', {
        workflowId: `bad memory: ${name}`,
        taskQueue: CONTROL_QUEUE,
        args: [{ storage: { local_fs_dir: '/none' } }, second],
      });
      await expect(handle.result()).rejects.toMatchObject({
        cause: { type: 'INPUT_INVALID', message: expect.stringMatching(/^the second/) as string },
      });
    });
  });
});
