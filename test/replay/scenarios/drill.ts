import type { PlannedDrill } from '../../../src/activities/drill-activities.js';
import type { Coverage } from '../../../src/contract/answers/verify-answers.js';
import { startDrill } from '../../../src/client/start-drill.js';
import type { Restored } from '../../../src/restore/drill/drill-restore.js';
import type { TemporalSession } from '../../../src/temporal-server/open-temporal.js';
import { withActivities } from '../../support/temporal.js';
import { until } from '../../support/until.js';
import type { Save } from '../record.js';

const ROOT = 'ab'.repeat(32);
const CHECKED = { records: '10', bytes: 1000, objects: 2, proven_before: 0, read_again: {} };

/** Drills: with history and a tool, one whose data is damaged, and one that is cancelled while the tool runs. */
export async function recordDrills(session: TemporalSession, save: Save): Promise<void> {
  let ok = true;
  let began = false;
  let hangs = false;
  const activities = {
    planDrill: () =>
      Promise.resolve<PlannedDrill>({
        why: [],
        plan: {
          ...{ target: '250', tree: { version: '240', rootHash: ROOT }, kvVersion: '138' },
          ...{ trust: [], adapter: false, firstVersion: '101', diskBytes: 5e9 },
        },
      }),
    planVerification: () => Promise.resolve({ tasks: [{ kind: 'epoch_endings' }], frozen: {} }),
    verifyTask: () =>
      Promise.resolve({
        ...{ findings: [], findingCount: 0, pieces: [], records: '10' },
        ...{ bytes: 1000, objects: 2, skipped: 0 },
      }),
    concludeVerification: () =>
      Promise.resolve({
        ok,
        findings: ok ? [] : [{ object: 'a/b.chunk', code: 'DAMAGED', why: 'it is cut' }],
        finding_count: ok ? 0 : 1,
        missing: { epoch_endings: [], transactions: [], state_snapshots: [] },
        transactions: [{ first: '101', last: '250', proven: 'signed' }],
        state_snapshots: ['138', '240'].map((version) => ({ version, proven: 'signed' })),
        checked: CHECKED,
        read_so_far: { backups: 0, of_backups: 0, bytes: 0, of_bytes: 0 },
      } as unknown as Coverage),
    restoreInScratch: async (): Promise<Restored> => {
      began = true;
      while (hangs) await new Promise((resolve) => setTimeout(resolve, 50));
      return {
        report: {
          ...{ ok: true, seconds: 5, exit: 'exit code 0', version: '250', why: [] },
          ...{ root_hash: ROOT, root_version: '240', expected_root_hash: ROOT },
          ...{ db_bytes: 4000, last_lines: [] },
        },
        rates: { at: '2026-01-02T03:04:05.000Z', seconds: 5, db_bytes: 4000 },
      };
    },
    clearScratch: () => Promise.resolve(),
    concludeDrill: () => Promise.resolve(),
  };
  await withActivities(session, activities, async () => {
    const { client } = session;
    const drill = (folder: string) =>
      startDrill(client, { storage: { local_fs_dir: folder }, stock_binary: '/bin/tool' });
    const { handle: restored } = await drill('/restored');
    await restored.result();
    await save('drill-restored', restored.workflowId);

    ok = false;
    const { handle: damaged } = await drill('/damaged');
    await damaged.result().catch(() => undefined);
    await save('drill-damaged', damaged.workflowId);

    [ok, began, hangs] = [true, false, true];
    const { handle: cancelled } = await drill('/cancelled');
    await until('the tool runs', () => began);
    await cancelled.cancel();
    hangs = false;
    await cancelled.result().catch(() => undefined);
    await save('drill-cancelled', cancelled.workflowId);
  });
}
