import { startVerify } from '../../../src/client/start-verification.js';
import type { TaskResult, VerifyCursor, VerifyPage } from '../../../src/contract/verification.js';
import type { VerifyTotals } from '../../../src/contract/verify-totals.js';
import type { TemporalSession } from '../../../src/temporal-server/open-temporal.js';
import { withActivities } from '../../support/temporal.js';
import type { Save } from '../record.js';
import type { Coverage } from '../../../src/contract/answers/verify-answers.js';

const PAGES = 25;
const TASKS = 60;

/** Verifications: one that finds a damage, and two runs of a large one. */
export async function recordVerifications(session: TemporalSession, save: Save): Promise<void> {
  let ok = false;
  let pages = 1;
  const activities = {
    planVerification: (_settings: unknown, _scope: unknown, cursor?: VerifyCursor) => {
      const page = Number(cursor?.first ?? 0);
      const tasks = Array.from({ length: TASKS }, () => ({ kind: 'transactions', slices: [] }));
      const next: VerifyCursor = {
        kind: 'transactions',
        first: `${page + 1}`,
        manifest: 'm',
        from: 0,
      };
      return Promise.resolve({
        tasks: page === 0 ? [{ kind: 'epoch_endings' }] : tasks,
        frozen: { endVersion: '1000', snapshotBefore: '900' },
        ...(page + 1 < pages ? { next } : {}),
      } as VerifyPage);
    },
    verifyTask: (): Promise<TaskResult> =>
      Promise.resolve({
        findings: ok ? [] : [{ object: 'a/b.chunk', code: 'DAMAGED', why: 'it is cut' }],
        findingCount: ok ? 0 : 1,
        pieces: [],
        records: '10',
        bytes: 1000,
        objects: 2,
        skipped: 0,
      }),
    concludeVerification: (_settings: unknown, _scope: unknown, totals: VerifyTotals) =>
      Promise.resolve({
        ok,
        findings: totals.findings,
        finding_count: totals.findingCount,
        missing: { epoch_endings: [], transactions: [], state_snapshots: [] },
        read_so_far: { backups: 0, of_backups: 0, bytes: 0, of_bytes: 0 },
      } as unknown as Coverage),
  };
  await withActivities(session, activities, async () => {
    const { client } = session;
    const { handle: damaged } = await startVerify(client, {
      storage: { local_fs_dir: '/damaged' },
    });
    await damaged.result().catch(() => undefined);
    await save('verify-damaged', damaged.workflowId);

    ok = true;
    pages = PAGES;
    const large = { storage: { local_fs_dir: '/large' }, concurrency: 20 };
    const { handle } = await startVerify(client, large);
    await handle.result();
    const { workflowId } = handle;
    const { raw, runId } = await handle.describe();
    await save('verify-first-run', workflowId, raw.workflowExecutionInfo!.firstRunId!);
    await save('verify-last-run', workflowId, runId);
  });
}
