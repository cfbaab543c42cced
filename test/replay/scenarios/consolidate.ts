import { startConsolidation } from '../../../src/client/start-consolidation.js';
import type { ConsolidatedGroup, ConsolidationPage } from '../../../src/contract/consolidation.js';
import type { TemporalSession } from '../../../src/temporal-server/open-temporal.js';
import { withActivities } from '../../support/temporal.js';
import type { Save } from '../record.js';

const PAGES = 6;
const GROUPS = 40;

/** Consolidations: one that leaves damage, and two runs of a large one. */
export async function recordConsolidations(session: TemporalSession, save: Save): Promise<void> {
  let pages = 1;
  const activities = {
    planConsolidation: (_input: unknown, from: string) => {
      const page = Number(from);
      const groups = Array.from({ length: GROUPS }, (_, i) => {
        const first = page * GROUPS + i;
        return { first: `${first}`, last: `${first}`, backups: 10 };
      });
      const next = page + 1 < pages ? { next: `${page + 1}` } : {};
      const found: ConsolidationPage = { groups, left: [], leftCount: 0, ...next };
      return Promise.resolve({ ...found, storage: 'a storage' });
    },
    consolidateBatch: (_input: unknown, { first }: { first: string }): Promise<ConsolidatedGroup> =>
      Promise.resolve(
        pages === 1 && first === '3'
          ? {
              status: 'damaged',
              findings: [{ object: 'a/b.chunk', code: 'DAMAGED', why: 'it is cut' }],
              findingCount: 1,
            }
          : { status: 'whole', manifest: 'a/b.manifest', of: '' },
      ),
    commitConsolidation: () =>
      Promise.resolve({ status: 'committed', manifest: 'm', backups: 10, chunks: 1, bytes: 1 }),
  };
  await withActivities(session, activities, async () => {
    const { client } = session;
    const damaged = await startConsolidation(client, { storage: { local_fs_dir: '/damaged' } });
    await damaged.result().catch(() => undefined);
    await save('consolidate-damaged', damaged.workflowId);

    pages = PAGES;
    const large = { storage: { local_fs_dir: '/large' }, concurrency: 4 };
    const handle = await startConsolidation(client, large);
    await handle.result();
    const { workflowId } = handle;
    const { raw, runId } = await handle.describe();
    await save('consolidate-first-run', workflowId, raw.workflowExecutionInfo!.firstRunId!);
    await save('consolidate-last-run', workflowId, runId);
  });
}
