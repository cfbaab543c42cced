/** A coordinator that keeps a second storage in step, with real parts: growth, outages, damage, another chain. */
import { mkdirSync, readdirSync, renameSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeStatus } from '../../src/cli/status-board.js';
import { Overseer } from '../../src/client/overseer.js';
import { ensureCoordinator } from '../../src/client/live-status.js';
import { DEFAULT_LIMITS, healthOf } from '../../src/monitor/health.js';
import { metricsOf } from '../../src/monitor/metrics.js';
import { hasCaughtUp } from '../support/caught-up.js';
import { storageFolder } from '../support/backup.js';
import { startSite } from '../support/site.js';
import { STOCK, StorageCopy } from '../support/storage-copy.js';
import { until } from '../support/until.js';

const at = (folder: string): StorageCopy =>
  Object.assign(Object.create(StorageCopy.prototype) as StorageCopy, { folder });
const ofBackups = (folder: string) =>
  at(folder)
    .files()
    .filter((name) => /\.(chunk|proof|manifest)$/.test(name) || /^metadata\/[a-z]+_/.test(name));

it('the second storage follows the first; while it is away or lacks something, backups go on and it is told', async () => {
  const { node, session, folder } = await startSite({
    transactions: 60,
    stateItems: 40,
    epochs: 2,
  });
  const second = storageFolder();
  const input = {
    node: node.address,
    storage: { local_fs_dir: folder },
    transaction_batch_seconds: 1,
    max_chunk_size: 20_000,
    copy_to: { local_fs_dir: second },
  };
  const { workflowId } = await ensureCoordinator(session.client, input);
  const overseer = new Overseer(session.client, workflowId);
  const status = () => overseer.read().catch(() => undefined);
  const alarm = async () => (await status())?.alarms.find(({ code }) => code === 'COPY')?.text;
  const inStep = (what: string) =>
    until(what, async () => {
      const now = await status();
      const { copy } = now ?? {};
      return hasCaughtUp(now, node.facts()) && copy?.lag_seconds === 0 && copy.why === undefined;
    });
  const retry = () => session.client.workflow.getHandle(workflowId).executeUpdate('retry');
  const expectTwins = () => {
    expect(ofBackups(second)).toEqual(ofBackups(folder));
    for (const name of ofBackups(folder))
      expect(at(second).read(name)).toEqual(at(folder).read(name));
  };

  await inStep('a first copy');
  expectTwins();

  // Its bare mount point is not taken for a new storage.
  renameSync(second, `${second}-elsewhere`);
  mkdirSync(second);
  node.grow({ transactions: 30, epochs: 1 });
  await until('it is told', async () => /unmounted or emptied/.test((await alarm()) ?? ''));
  let seen: Awaited<ReturnType<typeof status>>;
  await until('backups go on', async () => {
    seen = await status();
    return hasCaughtUp(seen, node.facts());
  });
  const away = seen!;
  expect(away.copy).toMatchObject({ to: second, lag_epochs: '1', outcome: 'failed' });
  const later = Date.now() + 7 * 3_600_000;
  const health = healthOf(away, DEFAULT_LIMITS, later);
  expect(health.reasons.map(({ what }) => what)).toContainEqual(
    expect.stringMatching(
      /^the copy in .* was last in step 7h\d+m ago, \d+ versions and 1 epochs and \d+ snapshots behind: /,
    ),
  );
  const { text } = await metricsOf(away, health, 0);
  expect(text).toMatch(/^aptos_backup_copy_lag_versions [1-9]/m);
  expect(text).toMatch(/^aptos_backup_copy_failing 1$/m);
  expect(describeStatus(away, later).join('\n')).toMatch(
    /^ {2}copy +\d+ versions and 1 epochs and .* behind for 7h/m,
  );
  expect(readdirSync(second)).toEqual([]);

  // Meanwhile the newest backup of the first storage was damaged: it is named, and stays out of the second one.
  const copied = ofBackups(`${second}-elsewhere`);
  const isNew = (name: string) => !copied.includes(name) && /^transaction_.*chunk$/.test(name);
  const chunk = ofBackups(folder).find(isNew)!;
  at(folder).flip(chunk);
  rmdirSync(second); // fails if anything was written there
  renameSync(`${second}-elsewhere`, second);
  // A retry does nothing while a copy runs, and that copy may have begun before.
  await until('the damage is told', async () => {
    await retry();
    return ((await alarm()) ?? '').includes(chunk);
  });
  expect(ofBackups(second)).not.toContain(chunk);
  at(folder).flip(chunk);
  await retry();
  await inStep('what was repaired arrives');
  expectTwins();
  expect(await at(second).verify()).toMatchObject({ ok: true, findings: [] });

  // A storage of another chain is left as it is.
  const other = new StorageCopy(join(STOCK, 'stock-plain'));
  const before = other.files();
  await ensureCoordinator(session.client, { ...input, copy_to: { local_fs_dir: other.folder } });
  await until('it is told', async () => /of the chain with genesis/.test((await alarm()) ?? ''));
  expect(other.files()).toEqual(before);
  await ensureCoordinator(session.client, input, undefined, { copy_to: null });
  await until('it is over', async () => (await alarm()) === undefined);
}, 600_000);
