/** Restore drills in real use: with and without a stock tool, killed, cancelled, on a damaged storage. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { lastDrill } from '../../src/client/last-drill.js';
import { createSchedule, schedulesOf } from '../../src/client/schedules.js';
import { reportOf, startDrill } from '../../src/client/start-drill.js';
import type { DrillStatus } from '../../src/contract/answers/restore-answers.js';
import { isAlive, startOf } from '../../src/lib/host/process-info.js';
import { readRestoreRates } from '../../src/repository/restore-rates.js';
import { readVerifiedTimes } from '../../src/repository/verified-times.js';
import { storageId } from '../../src/storage/open.js';
import { storageFolder } from '../support/backup.js';
import { dataFolder, runCli } from '../support/cli.js';
import { startSite } from '../support/site.js';
import { standIn } from '../support/stand-in-tool.js';
import { STOCK, StorageCopy } from '../support/storage-copy.js';
import { until } from '../support/until.js';

const PLAIN = join(STOCK, 'stock-plain');
const gone = (pids: number[]) =>
  until('they are gone', () => pids.every((pid) => !isAlive(pid) || startOf(pid) === undefined));

it('a drill by the command proves what a restore needs, and restores it with the given tool', async () => {
  const storage = new StorageCopy(PLAIN);
  const [folder, data] = [storageFolder(), dataFolder()];
  const drill = ['restore', 'drill', '--local-fs-dir', storage.folder, '--data-dir', data];
  const tool = standIn(folder, 'succeeds');
  const scratch = join(folder, 'scratch');
  const options = ['--stock-binary', tool.path, '--scratch', scratch, '--json'];
  const restored = await runCli([...drill, ...options]);
  expect(JSON.parse(restored.out)).toMatchObject({
    ...{ ok: true, version: '250', snapshot_version: '240', proof: { ok: true } },
    restore: { ok: true, version: '250', exit: 'exit code 0' },
  });
  expect(readdirSync(scratch)).toEqual([]);
  const { drilled, restored: at } = await readVerifiedTimes(storage.storage);
  expect(at).toBe(drilled);
  // The next plan takes its times and sizes from this drill.
  const plan = await runCli(['restore', 'plan', '--local-fs-dir', storage.folder]);
  expect(plan.out).toContain(`the drill of ${(await readRestoreRates(storage.storage))!.at}`);
});

it('a drill goes on after its worker is killed, ends its tool when it is cancelled, and tells damage', async () => {
  const { session, worker } = await startSite();
  const { client } = session;
  const storage = new StorageCopy(PLAIN);
  const config = { local_fs_dir: storage.folder };
  const folder = storageFolder();
  const scratch = join(folder, 'scratch');
  const start = (ending: Parameters<typeof standIn>[1]) => {
    rmSync(join(folder, ending), { recursive: true, force: true });
    const tool = standIn(join(folder, ending), ending);
    const input = { storage: config, stock_binary: tool.path, scratch };
    return startDrill(client, input).then(({ handle }) => ({ handle, tool }));
  };

  const { handle: without } = await startDrill(client, { storage: config });
  const proven = await reportOf(without.result());
  expect(proven).toMatchObject({ ok: true, proof: { ok: true }, why: [] });
  expect(proven.restore).toBeUndefined();
  expect(proven.without_tool).toMatch(/no stock tool was given .* was read and proven/);

  // The tool dies with its worker. The next attempt begins anew, in an empty folder.
  const once = await start('hangs once');
  await until('the tool hangs', () => once.tool.pids().length === 2);
  expect(await once.handle.query<DrillStatus>('status')).toMatchObject({ phase: 'restoring' });
  expect((await startDrill(client, { storage: config })).joined).toBe(true);
  process.kill(worker.pid('workflows')!, 'SIGKILL');
  await gone(once.tool.pids());
  expect(await reportOf(once.handle.result())).toMatchObject({ ok: true, version: '250' });
  expect(once.tool.calls()).toHaveLength(2);

  const hangs = await start('hangs');
  await until('the tool hangs', () => hangs.tool.pids().length === 2);
  await hangs.handle.cancel();
  await expect(hangs.handle.result()).rejects.toThrow();
  expect((await hangs.handle.describe()).status.name).toBe('CANCELLED');
  await gone(hangs.tool.pids());
  await until('the scratch folder is empty', () => readdirSync(scratch).length === 0);

  const panics = await start('panics');
  const failed = await reportOf(panics.handle.result());
  expect(failed).toMatchObject({ ok: false, proof: { ok: true }, restore: { ok: false } });
  expect(failed.why[0]).toMatch(/exit code 101: thread 'main' panicked/);

  // What fails its proof is not given to the tool.
  const manifest = storage.manifestOf(storage.metadata('state_snapshot_ver_240'));
  storage.flip(manifest.replace('state.manifest', '86-.chunk'));
  const damaged = await start('succeeds');
  const report = await reportOf(damaged.handle.result());
  expect(report).toMatchObject({ ok: false, proof: { ok: false } });
  expect(report.why[0]).toMatch(/86-\.chunk/);
  expect(report.restore).toBeUndefined();
  expect(damaged.tool.calls()).toEqual([]);

  // Lists and the storage say so; so do schedules.
  const last = await lastDrill(client, `aptos-backup/${storageId(config)}/`);
  expect(last.failed_at! > last.succeeded_at!).toBe(true);
  const times = await readVerifiedTimes(storage.storage);
  expect(times.drill_failed! > times.drilled!).toBe(true);
  const input = {
    node: 'http://node:6186',
    storage: config,
    stock_binary: damaged.tool.path,
    scratch,
  };
  await createSchedule(client, 'drill', input);
  expect(await schedulesOf(client, config)).toMatchObject([{ every_ms: 7 * 86_400_000 }]);
  expect(existsSync(join(scratch, 'db'))).toBe(false);
});
