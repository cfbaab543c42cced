/** Keep rules and gc as an operator runs them, through Temporal. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createSchedule, deleteSchedule, scheduleOf } from '../../src/client/schedules.js';
import type { GcAnswer, PruneAnswer } from '../../src/contract/answers/retention-answers.js';
import { dataFolder, runCli } from '../support/cli.js';
import { startSite } from '../support/site.js';
import { STOCK, StorageCopy } from '../support/storage-copy.js';
import { until } from '../support/until.js';
import { committedFolders } from '../support/upkeep.js';

const EPOCH_3 = 'state_epoch_3_ver_138.901c';

it('prune shows its plan, refuses a loss, retires with --yes, and gc removes the data after its grace', async () => {
  const { session } = await startSite();
  const copy = new StorageCopy(join(STOCK, 'stock-plain'));
  const data = dataFolder();
  const repository = (...args: string[]) =>
    runCli(
      ['repository', ...args, '--local-fs-dir', copy.folder, '--data-dir', data],
      session.workerEnv,
    );
  expect(await repository('keep', EPOCH_3, '--note', 'before the upgrade')).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^Pinned state_epoch_3/) as string,
  });
  const pinned = await repository('prune', '--keep-last', '1');
  expect(pinned.out).toMatch(/^Would retire 0 backups.*Kept because they are pinned: state_ep/s);
  expect(await repository('unkeep', EPOCH_3)).toMatchObject({ code: 0 });

  const plan = await repository('prune', '--keep-last', '1', '--dry-run');
  expect(plan.code).toBe(1);
  expect(plan.out).toMatch(
    /Would retire 1 backups, .*Not restorable any more: versions 138 to 239/s,
  );
  const refused = await repository('prune', '--keep-last', '1', '--yes');
  expect(refused).toMatchObject({ code: 1, out: '' });
  expect(refused.err).toMatch(/could no longer restore versions 138 to 239/);
  const unsure = await repository('prune', '--keep-last', '1', '--force');
  expect(unsure).toMatchObject({ code: 2, err: expect.stringMatching(/--yes/) as string });
  expect(committedFolders(copy.folder)).toContain(EPOCH_3);

  const done = await repository('prune', '--keep-last', '1', '--force', '--yes', '--json');
  expect(JSON.parse(done.out) as PruneAnswer).toMatchObject({
    ...{ done: true, retired_count: 1, retired: [{ backup: EPOCH_3 }] },
  });
  expect(committedFolders(copy.folder)).not.toContain(EPOCH_3);
  const early = await repository('gc');
  expect(early.out).toMatch(/^Removed 0 folders.*their grace is not over: 1, /s);
  const planned = await repository('gc', '--grace', '0h', '--dry-run');
  expect(planned.out).toMatch(/^Would remove 1 folders.*  state_epoch_3.*: retired at 20/s);
  expect(existsSync(copy.path(EPOCH_3))).toBe(true);
  const removed = await repository('gc', '--grace', '0h', '--json');
  expect(JSON.parse(removed.out) as GcAnswer).toMatchObject({
    ...{ done: true, removed_count: 1, denied: false },
  });
  expect(existsSync(copy.path(EPOCH_3))).toBe(false);

  // What the Temporal UI shows of them.
  const { client } = session;
  const details = async (type: string) => {
    const all: string[] = [];
    for await (const one of client.workflow.list({ query: `WorkflowType = "${type}"` })) {
      const run = client.workflow.getHandle(one.workflowId, one.runId);
      const shown = await run.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
      all.push(shown.currentDetails ?? '');
    }
    return all.join('\n');
  };
  for (const [type, told] of [
    ['pruneBackups', /^- \*\*storage\*\*: \/.*\n- \*\*retired\*\*: 1 of 1 backups$/m],
    ['collectGarbage', /^- \*\*storage\*\*: \/.*\n- \*\*removed\*\*: 1 folders$/m],
  ] as const) {
    await until(`${type} has details`, async () => told.test(await details(type)));
  }

  // The same on a schedule: the next run of each keeps what the rules say.
  const input = {
    node: 'http://localhost:6186',
    storage: { local_fs_dir: copy.folder },
    prune: { transactions_from: 101, force: true, grace: '0h' },
  };
  expect(() => scheduleOf('verify', input)).toThrow(
    /only a schedule of kind prune or gc takes keep rules/,
  );
  const rest = { ...input, prune: { grace: '0h' } };
  for (const [kind, given] of [
    ['prune', input],
    ['gc', rest],
  ] as const) {
    const id = await createSchedule(client, kind, given, '1d');
    await client.schedule.getHandle(id).trigger();
    const gone = kind === 'prune' ? 'metadata/transaction_1-100.meta' : 'transaction_1-.a9e2';
    await until(`${kind} has run`, () => !existsSync(copy.path(gone)));
    await deleteSchedule(client, id);
  }
  expect(committedFolders(copy.folder)).toHaveLength(6);
});
