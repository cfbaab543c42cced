import { startGc, startPrune } from '../../../src/client/start-retention.js';
import type { PruneAnswer } from '../../../src/contract/answers/retention-answers.js';
import type { TemporalSession } from '../../../src/temporal-server/open-temporal.js';
import { withActivities } from '../../support/temporal.js';
import { nothing } from '../../../src/upkeep/gc/gc.js';
import type { Save } from '../record.js';

const PAGES = 130;

/** A prune and a gc so long that each continues as new, and a prune that is refused. */
export async function recordRetention(session: TemporalSession, save: Save): Promise<void> {
  let loses = false;
  let pages = 0;
  const activities = {
    planPrune: () => Promise.resolve(planOf(loses)),
    retirePage: () => Promise.resolve({ count: 2, bytes: 10, more: (pages += 1) % PAGES !== 0 }),
    removeGarbage: (_order: unknown, after?: string) => {
      const next = Number(after ?? 0) + 1;
      return Promise.resolve({ ...nothing(), ...(next < PAGES ? { next: `${next}` } : {}) });
    },
  };
  await withActivities(session, activities, async () => {
    const { client } = session;
    const started = [
      ['prune', await startPrune(client, { storage: { local_fs_dir: '/large' }, ...RULES })],
      ['gc', await startGc(client, { storage: { local_fs_dir: '/large' } })],
    ] as const;
    for (const [name, handle] of started) {
      await handle.result();
      const { workflowId } = handle;
      const { raw, runId } = await handle.describe();
      await save(`${name}-first-run`, workflowId, raw.workflowExecutionInfo!.firstRunId!);
      await save(`${name}-last-run`, workflowId, runId);
    }
    loses = true;
    const refused = await startPrune(client, { storage: { local_fs_dir: '/other' }, ...RULES });
    await refused.result().catch(() => undefined);
    await save('prune-refused', refused.workflowId);
  });
}

const RULES = { keep_last: 7 };

function planOf(loses: boolean): PruneAnswer {
  const restorable = { yes: false, why: [] };
  return {
    ...{ storage: '/large', done: false, retired: [], retired_count: 260, retired_bytes: 1300 },
    ...{ kept_snapshots: [], kept_snapshots_count: 0, pinned: [] },
    would_lose: loses ? [{ first: '0', last: '9' }] : [],
    restorable_before: restorable,
    restorable_after: restorable,
  };
}
