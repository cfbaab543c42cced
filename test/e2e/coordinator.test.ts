/**
 * The coordinator in real use: the node grows, prunes and misbehaves, and the worker is killed. At every
 * look, the storage proves itself.
 */
import { expect, it } from 'vitest';
import { ensureCoordinator, readCoordinator } from '../../src/client/live-status.js';
import { openStorage } from '../../src/storage/open.js';
import { WHOLE_STORAGE, verifyStorage } from '../../src/verify/verify-storage.js';
import { committedNames, leftovers } from '../support/backup.js';
import { hasCaughtUp } from '../support/caught-up.js';
import { startSite } from '../support/site.js';
import { until } from '../support/until.js';
import type { CoordinatorStatus } from '../../src/contract/answers/coordinator-answers.js';

const BATCH = 500;
const START = 1_500;
const GROWN = 4_000;
const STEP = 50;
const PRUNE_WINDOW = 3_000;
/**
 * The chain stops growing when the coordinator is this far behind, so that nothing is pruned too early.
 */
const LONGEST_LAG = 2_000;
/** Without a pause the looks take the CPU from the backups. */
const BETWEEN_LOOKS_MS = 300;

it('the storage proves itself at every moment, through growth, pruning, faults and kills', async () => {
  const site = await startSite({
    transactions: START,
    stateItems: 400,
    epochs: 4,
    pruneWindow: PRUNE_WINDOW,
    snapshotsKept: 4,
  });
  const { node, session, folder, worker } = site;
  const { genesis_waypoint: genesis } = node.facts();
  const storage = { local_fs_dir: folder };
  node.fault({ kind: 'cut', probability: 0.05 });
  node.fault({ kind: 'error500', probability: 0.03 });
  node.fault({ kind: 'flip', probability: 0.03 });
  const { workflowId } = await ensureCoordinator(session.client, {
    node: node.address,
    storage,
    transaction_batch_size: BATCH,
    transaction_batch_seconds: 3,
    max_chunk_size: 20_000,
    trust_waypoints: [genesis],
  });

  const verify = (again: boolean) =>
    verifyStorage(
      openStorage(storage),
      { storage, trustWaypoints: [genesis] },
      { ...WHOLE_STORAGE, again },
    );
  let looks = 0;
  let over = false;
  const looking = (async () => {
    await until('something is stored', () => committedNames(folder).length > 0);
    while (!over) {
      const { ok, findings, missing } = await verify(false);
      expect({ ok, findings, missing }).toEqual({
        ok: true,
        findings: [],
        missing: { epoch_endings: [], transactions: [], state_snapshots: [] },
      });
      looks += 1;
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_LOOKS_MS));
    }
  })();
  const disturbing = (async () => {
    await until('genesis is stored', () =>
      committedNames(folder).includes('state_snapshot_ver_0.meta'),
    );
    let kills = 0;
    for (let grown = 0; grown < GROWN; grown += STEP) {
      node.grow({ transactions: STEP, ...(grown % 1_000 === 0 ? { epochs: 1 } : {}) });
      // At a third and at two thirds of the growth, however far the backups are.
      if (grown >= ((kills + 1) * GROWN) / 3) {
        const killed = worker.pid('chunks')!;
        process.kill(killed, 'SIGKILL');
        await until(
          'another worker runs',
          () => ![undefined, killed].includes(worker.pid('chunks')),
        );
        kills += 1;
      }
      const lag = () => node.facts().version - storedTo(folder);
      await until('the coordinator keeps up', () => lag() < LONGEST_LAG, 120_000);
    }
    node.clearFaults();
    expect(kills).toBe(2);
  })();
  // A failed look ends the test at once.
  await Promise.race([disturbing, looking]);

  const { version, epoch } = node.facts();
  let status: CoordinatorStatus | undefined;
  await until('it has caught up', async () => {
    status = await readCoordinator(session.client, workflowId).catch(() => undefined);
    return hasCaughtUp(status, node.facts());
  });
  await Promise.race([until('it was looked at often', () => looks > 20), looking]);
  over = true;
  await looking;
  expect(looks).toBeGreaterThan(20);
  // The alarm about data that fails its proof stays for a day.
  expect(status!.alarms.filter(({ code }) => code !== 'NODE_LIED')).toEqual([]);
  const coverage = await verify(true);
  expect(coverage).toMatchObject({
    ok: true,
    epoch_endings: [{ first: '0', last: `${epoch - 1}`, proven: expect.any(String) as string }],
    transactions: [{ first: '0', last: `${version}`, proven: 'signed' }],
    restorable_by_stock: { yes: true },
    orphans: [],
    checked: { proven_before: 0 },
  });
  expect(coverage.state_snapshots[0]).toMatchObject({ epoch: '0' });
  await until('nothing unfinished is left', () => leftovers(folder).length === 0);
  const { historyLength } = await session.client.workflow.getHandle(workflowId).describe();
  expect(historyLength).toBeLessThan(1_000);

  // What the Temporal UI shows are lists. The coordinator and its units name each other.
  const detailsOf = async (id: string) => {
    const run = session.client.workflow.getHandle(id);
    const shown = await run.query<{ currentDetails: string }>('__temporal_workflow_metadata');
    return shown.currentDetails;
  };
  const details = await detailsOf(workflowId);
  expect(details.split('\n')).toContain(`- **newest**: ${version}`);
  expect(details).not.toContain('|');
  const unit = workflowId.replace(/coordinator$/, 'state_snapshot/0');
  expect(await detailsOf(unit)).toContain(`- **coordinator**: \`${workflowId}\``);
}, 600_000);

/** The highest version that a metadata file names. */
function storedTo(folder: string): number {
  const last = (name: string) => Number(/^transaction_\d+-(\d+)\.meta$/.exec(name)?.[1] ?? 0);
  return Math.max(0, ...committedNames(folder).map(last));
}
