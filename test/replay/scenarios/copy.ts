import { startCopy } from '../../../src/client/start-copy.js';
import type { CopyCursor, CopyOutcome, CopyPage, CopyUnit } from '../../../src/contract/copying.js';
import type { TemporalSession } from '../../../src/temporal-server/open-temporal.js';
import { withActivities } from '../../support/temporal.js';
import type { Save } from '../record.js';

const PAGES = 4;
const TASKS = 60;

/** Copies: one that skips a backup, and two runs of a large one. */
export async function recordCopies(session: TemporalSession, save: Save): Promise<void> {
  let pages = 1;
  let damaged = true;
  const unit = (n: number): CopyUnit => ({
    type: 'transaction',
    source: `metadata/${n}.meta`,
    line: '',
    manifest: `transaction_${n}-.0000/transaction.manifest`,
    sha256: '00',
    ...{ first: `${n}`, last: `${n}`, of: 1 },
  });
  const activities = {
    planCopy: (_job: unknown, _scope: unknown, at?: { cursor: CopyCursor }) => {
      const page = Number(at?.cursor.first ?? 0);
      const units = Array.from({ length: pages === 1 ? 2 : TASKS }, (_, i) => unit(i));
      const next = { type: 'transaction', first: `${page + 1}`, manifest: '', from: 0 } as const;
      return Promise.resolve<CopyPage>({
        units,
        tasks: units.map((_, i) => [{ unit: i, from: 0, to: 1 }]),
        frozen: { genesis: '0:00', lastEpoch: '5' },
        ...{ chain: '00', there: 3, skipped: [], unlisted: 0 },
        ...(page + 1 < pages ? { next } : {}),
      });
    },
    copyTask: (_job: unknown, [first]: CopyUnit[]) => {
      const { manifest } = first!;
      const skipped = { manifest, object: 'a/b.chunk', code: 'DAMAGED' as const, why: 'it is cut' };
      const bad = damaged && first!.first === '0' ? [{ unit: 0, skipped }] : [];
      return Promise.resolve({ files: 2, bytes: 1000, kept: 0, bad, gone: [] });
    },
    commitCopied: (_job: unknown, units: CopyUnit[]) =>
      Promise.resolve(units.map((): CopyOutcome => 'committed')),
  };
  await withActivities(session, activities, async () => {
    const { client } = session;
    const from = { local_fs_dir: '/from' };
    const first = await startCopy(client, { from, to: { local_fs_dir: '/damaged' } });
    await first.result().catch(() => undefined);
    await save('copy-damaged', first.workflowId);

    damaged = false;
    pages = PAGES;
    const large = await startCopy(client, { from, to: { local_fs_dir: '/large' } });
    await large.result();
    const { raw, runId } = await large.describe();
    await save('copy-first-run', large.workflowId, raw.workflowExecutionInfo!.firstRunId!);
    await save('copy-last-run', large.workflowId, runId);
  });
}
