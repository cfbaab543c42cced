/** New limits of a running copy: what is in flight begins anew with them. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CancelledFailure, Context } from '@temporalio/activity';
import { startCopy } from '../../src/client/start-copy.js';
import type { CopyJob } from '../../src/activities/copy-activities.js';
import type { CopyOutcome, CopyPage, CopyUnit } from '../../src/contract/copying.js';
import { SIGNAL_LIMITS } from '../../src/contract/messages.js';
import { startTemporal, withActivities } from '../support/temporal.js';
import { until } from '../support/until.js';

let session: Awaited<ReturnType<typeof startTemporal>>;
beforeAll(async () => {
  session = await startTemporal();
});
afterAll(() => session.close());

it('a signal replaces the limits of a copy, also of the task in flight, and what is no limit changes nothing', async () => {
  const unit: CopyUnit = {
    type: 'transaction',
    source: 'metadata/0.meta',
    line: '',
    manifest: 'transaction_0-.0000/transaction.manifest',
    sha256: '00',
    ...{ first: '0', last: '0', of: 1 },
  };
  const limits: CopyJob['limits'][] = [];
  const activities = {
    planCopy: () =>
      Promise.resolve<CopyPage>({
        units: [unit],
        tasks: [[{ unit: 0, from: 0, to: 1 }]],
        frozen: {},
        ...{ chain: '00', there: 0, skipped: [], unlisted: 0 },
      }),
    copyTask: async (job: CopyJob) => {
      limits.push(job.limits);
      const { cancellationSignal: signal } = Context.current();
      while (job.limits.bytesPerSecond === 1) {
        if (signal.aborted) throw new CancelledFailure('with other limits');
        await new Promise((resolve) => setTimeout(resolve, 20));
        Context.current().heartbeat();
      }
      return { files: 2, bytes: 1000, kept: 0, bad: [], gone: [] };
    },
    commitCopied: () => Promise.resolve<CopyOutcome[]>(['committed']),
  };
  await withActivities(session, activities, async () => {
    const [from, to] = [{ local_fs_dir: '/from' }, { local_fs_dir: '/to' }];
    const input = { from, to, bytes_per_second: 2, concurrency: 2 };
    const handle = await startCopy(session.client, input);
    await until('a task is in flight', () => limits.length === 1);
    await handle.signal(SIGNAL_LIMITS, { bytes_per_second: 'many' });
    await handle.signal(SIGNAL_LIMITS, { bytes_per_second: 1000 });
    expect(await handle.result()).toMatchObject({ ok: true, transactions: 1, files: 2 });
    expect(limits).toEqual([{ bytesPerSecond: 1 }, { bytesPerSecond: 500 }]);
  });
});
