/** Consolidation in real use: a coordinator's small batches become the batches of the stock tool, by the command. */
import { expect, it } from 'vitest';
import { ensureCoordinator } from '../../src/client/live-status.js';
import type { Consolidation } from '../../src/contract/answers/consolidation-answers.js';
import { readCatalog } from '../../src/repository/catalog.js';
import { openStorage } from '../../src/storage/open.js';
import { WHOLE_STORAGE, verifyStorage } from '../../src/verify/verify-storage.js';
import { contentOf, fetchBytes } from '../support/backup.js';
import { dataFolder, runCli } from '../support/cli.js';
import { startSite } from '../support/site.js';
import { until } from '../support/until.js';

const SIZE = 200;

it('the small batches of a coordinator become full ones while it follows its node, and then nothing is left to do', async () => {
  const { node, session, folder } = await startSite({ transactions: 50, epochs: 2 });
  const storage = { local_fs_dir: folder };
  await ensureCoordinator(session.client, {
    node: node.address,
    storage,
    transaction_batch_size: SIZE,
    transaction_batch_seconds: 1,
  });
  // Nothing is listed before the storage is begun.
  const small = () =>
    readCatalog(openStorage(storage)).then(
      ({ transactions }) => transactions,
      () => [],
    );
  while (node.facts().version < 2 * SIZE + 50) {
    node.grow({ transactions: 60, epochs: node.facts().version > 150 ? 1 : 0 });
    const tip = BigInt(node.facts().version);
    const isStored = async () => (await small()).at(-1)?.lastVersion === tip;
    await until('the tip is stored', isStored, 120_000);
  }
  const before = await small();
  expect(before.length).toBeGreaterThan(6);

  const env = { ...session.workerEnv };
  const command = ['backup-maintenance', 'consolidate', '--local-fs-dir', folder, '--json'];
  const flags = ['--transaction-batch-size', `${SIZE}`, '--data-dir', dataFolder()];
  const dry = await runCli([...command, ...flags, '--dry-run'], env);
  expect(JSON.parse(dry.out)).toMatchObject({ dry_run: true, batch_count: 2, retired_count: 0 });
  expect(await small()).toEqual(before);

  const { code, out, err } = await runCli([...command, ...flags], env);
  expect(code, err).toBe(0);
  const done = JSON.parse(out) as Consolidation;
  expect(done).toMatchObject({ ok: true, batch_count: 2, left_count: 0, damaged_count: 0 });
  const after = await small();
  const spans = after.map(({ firstVersion: first, lastVersion: last }) => [first, last]);
  expect(spans.slice(0, 3)).toEqual([
    [0n, 0n],
    [1n, 200n],
    [201n, 400n],
  ]);
  const { payload } = contentOf(folder, after[1]!);
  expect(payload).toEqual(await fetchBytes(`${node.address}/transactions/1/${SIZE}`));
  const coverage = await verifyStorage(
    openStorage(storage),
    { storage, trustWaypoints: [] },
    WHOLE_STORAGE,
  );
  expect(coverage).toMatchObject({ ok: true, findings: [] });

  const again = await runCli([...command, ...flags], env);
  expect(JSON.parse(again.out)).toMatchObject({ ok: true, batch_count: 0, left_count: 0 });
}, 600_000);
