/**
 * What may be committed and what may be removed, when several work on one storage or one of them dies.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { tidyStorage } from '../../../src/coordinator/tidy.js';
import { OWNER } from '../../../src/storage/local/local-owner.js';
import { openStorage } from '../../../src/storage/open.js';
import { WHOLE_STORAGE, verifyStorage } from '../../../src/verify/verify-storage.js';
import { backUp, committedNames, devnode, leftovers, storageFolder } from '../../support/backup.js';
import { hungFiles } from '../../support/hung-files.js';
import { until } from '../../support/until.js';

const holder = (owner: string) => ({ owner, host: owner, workflow: `work of ${owner}` });
const quiet = () => ({ signal: AbortSignal.timeout(100_000), report: () => undefined });
const transactions = (start: number, count: number) =>
  ({ type: 'transaction', start_version: start, num_transactions: count }) as const;

async function verified(folder: string) {
  const storage = { local_fs_dir: folder };
  return verifyStorage(openStorage(storage), { storage, trustWaypoints: [] }, WHOLE_STORAGE);
}

it('a range of which another backup has a part is neither started nor committed', async () => {
  const node = await devnode();
  const folder = storageFolder();
  const common = { node: node.address, folder };
  await backUp({ ...common, target: { type: 'epoch_ending', start_epoch: 0, end_epoch: 3 } });
  await backUp({ ...common, target: transactions(0, 100) });
  await expect(backUp({ ...common, target: transactions(50, 100) })).rejects.toMatchObject({
    code: 'RANGE_OVERLAP',
    retryable: false,
  });
  expect(readdirSync(folder).filter((name) => name.startsWith('transaction_50-'))).toEqual([]);

  // Both found the range free: one commits, the other fails.
  const ends = await Promise.allSettled([
    backUp({ ...common, target: transactions(100, 100) }),
    backUp({ ...common, target: transactions(100, 150) }),
  ]);
  const reasons = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as Error] : []));
  expect(reasons).toHaveLength(1);
  expect(reasons[0]).toMatchObject({ code: 'RANGE_OVERLAP' });
  expect(committedNames(folder).filter((name) => name.startsWith('transaction_1'))).toHaveLength(1);
  expect(await verified(folder)).toMatchObject({ ok: true, findings: [] });
});

describe('a process that dies in its commit', () => {
  const CALLS = [
    { call: 'link', path: '\\.manifest$' },
    { call: 'link', path: 'commit-00000001\\.lease$' },
    { call: 'link', path: 'metadata/transaction_' },
    { call: 'rename', path: 'committed\\.json$' },
    { call: 'link', path: 'commit-00000002\\.lease$' },
  ] as const;

  it.each(CALLS)(
    'before $call of $path is followed by a process that ends with the same result',
    async (fault) => {
      const node = await devnode();
      const folder = storageFolder();
      const files = hungFiles();
      const env = { ...process.env, ...files.env };
      files.kill(fault, 1);
      const first = runBackup(node.address, folder, env);
      expect(await ended(first)).toBe('SIGKILL');
      files.release();
      expect(await ended(runBackup(node.address, folder, env))).toBe(0);
      expect(committedNames(folder)).toEqual(['transaction_0-99.meta']);
      const [unit] = readdirSync(folder).filter((name) => name.startsWith('transaction_'));
      expect(existsSync(join(folder, unit!, 'transaction.manifest'))).toBe(true);
      expect(readdirSync(folder).filter((name) => name.startsWith('transaction_'))).toHaveLength(1);
      expect((await verified(folder)).findings.filter(({ code }) => code !== 'UNPROVEN')).toEqual(
        [],
      );
      expect(leftovers(join(folder, unit!))).toEqual([]);
    },
  );
});

it('an attempt that stood still while another one committed does not touch the committed files', async () => {
  const node = await devnode();
  const folder = storageFolder();
  const common = { node: node.address, folder };
  await backUp({ ...common, target: { type: 'epoch_ending', start_epoch: 0, end_epoch: 4 } });
  const { version } = node.facts();
  await backUp({ ...common, target: transactions(0, version - 20) });
  const files = hungFiles();
  files.hang({ call: 'link', path: '\\.manifest$' });
  const newest = [version - 20, 21] as const;
  const first = runBackup(node.address, folder, { ...process.env, ...files.env }, newest);
  let unit = '';
  await until('the manifest is on its way', () => {
    const name = readdirSync(folder).find((one) => one.startsWith(`transaction_${newest[0]}-`));
    unit = join(folder, name ?? '');
    const inside = name === undefined ? [] : readdirSync(unit);
    return ['.receipt', '.part'].every((end) => inside.some((one) => one.endsWith(end)));
  });
  first.kill('SIGSTOP');
  files.release();

  // The epoch is open, so the node proves the range now by a newer ledger info.
  const proof = readdirSync(unit).find((name) => name.endsWith('.proof'))!;
  writeFileSync(join(unit, proof), 'damaged');
  node.grow({ transactions: 30 });
  await backUp({ ...common, target: transactions(...newest), owner: 'one workflow' });
  expect(await verified(folder)).toMatchObject({ ok: true, findings: [] });

  first.kill('SIGCONT');
  expect(await ended(first)).not.toBe('SIGKILL');
  expect(await verified(folder)).toMatchObject({ ok: true, findings: [] });
});

function runBackup(
  node: string,
  folder: string,
  env: NodeJS.ProcessEnv,
  [first, count] = [0, 100] as readonly [number, number],
): ChildProcess {
  const script = fileURLToPath(new URL('../backup-process.ts', import.meta.url));
  const args = [
    '--import',
    import.meta.resolve('tsx'),
    script,
    node,
    folder,
    `${first}`,
    `${count}`,
  ];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'inherit', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function ended(child: ChildProcess): Promise<number | string> {
  const [code, by] = (await once(child, 'close')) as [number | null, string | null];
  return by ?? code ?? 'unknown';
}

describe('tidying', () => {
  const tools = (folder: string) => ({
    ...quiet(),
    storage: openStorage({ local_fs_dir: folder }),
    holder: holder('coordinator'),
    isRunning: () => Promise.resolve(false),
  });
  const none = { working: [], givenUp: [] };

  /** A storage with an unfinished snapshot, an unfinished batch, and a foreign folder. */
  async function untidy() {
    const node = await devnode({ epochs: 4 });
    const folder = storageFolder();
    const common = { node: node.address, folder };
    await backUp({ ...common, target: { type: 'epoch_ending', start_epoch: 0, end_epoch: 3 } });
    await backUp({ ...common, target: transactions(0, 100) });
    const { backup: snapshot } = await backUp({
      ...common,
      target: { type: 'state_snapshot', epoch: 1 },
    });
    const { backup: batch } = await backUp({ ...common, target: transactions(100, 50) });
    for (const [unit, line] of [
      [snapshot, 'state_snapshot_ver_'],
      [batch, 'transaction_100-149'],
    ] as const) {
      const [name] = committedNames(folder).filter((n) => n.startsWith(line));
      rmSync(join(folder, 'metadata', name!));
      rmSync(join(folder, 'aptos-backup/known.json'), { force: true });
      rmSync(join(folder, unit, 'committed.json'));
      rmSync(
        join(
          folder,
          unit,
          readdirSync(join(folder, unit)).find((n) => n.endsWith('.manifest'))!,
        ),
      );
    }
    cpSync(join(folder, batch), join(folder, 'transaction_100-.foreign'), {
      recursive: true,
      filter: (path) => !/plan\.json|\.receipt$/.test(path),
    });
    return { folder, snapshot, batch, common };
  }

  function age(folder: string, unit: string, seconds: number): void {
    const then = Date.now() / 1000 - seconds;
    const path = join(folder, unit);
    for (const name of readdirSync(path)) utimesSync(join(path, name), then, then);
    utimesSync(path, then, then);
  }

  it('lists unfinished and foreign folders, and removes only useless ones of ours', async () => {
    const { folder, snapshot, batch, common } = await untidy();
    const first = await tidyStorage(none, tools(folder));
    expect(first).toMatchObject({ folders: 3, removed: 0, files: 0 });
    expect(first.first).toEqual([
      { folder: snapshot, what: 'unfinished' },
      ...[batch, 'transaction_100-.foreign'].sort().map((name) => ({
        folder: name,
        what: name === batch ? 'unfinished' : 'foreign',
      })),
    ]);

    // Old, but its range is free: the unit may still be finished.
    age(folder, batch, 2 * 86_400);
    expect(await tidyStorage(none, tools(folder))).toMatchObject({ folders: 3, removed: 0 });
    // Another backup holds its range: useless, but kept while it is new or somebody works on it.
    await backUp({ ...common, target: transactions(100, 80) });
    const working = { ...none, working: ['transaction/100-149'] };
    expect(await tidyStorage(working, tools(folder))).toMatchObject({ folders: 3, removed: 0 });
    expect(await tidyStorage(none, tools(folder))).toMatchObject({ folders: 2, removed: 1 });
    expect(existsSync(join(folder, batch))).toBe(false);
    expect(existsSync(join(folder, 'transaction_100-.foreign'))).toBe(true);

    // A given-up unit is removed soon, but not while an attempt still writes.
    const givenUp = { ...none, givenUp: ['state_snapshot/1'] };
    expect(await tidyStorage(givenUp, tools(folder))).toMatchObject({ removed: 0, again: true });
    age(folder, snapshot, 10 * 60);
    expect(await tidyStorage(givenUp, tools(folder))).toMatchObject({ removed: 1, again: false });
    expect(existsSync(join(folder, snapshot))).toBe(false);
    expect(await verified(folder)).toMatchObject({ ok: true, findings: [] });
  });

  it('removes what a dead process left beside the folders and in them', async () => {
    const { folder, batch } = await untidy();
    const child = spawn('true');
    await once(child, 'close');
    const name = `.${OWNER}-${child.pid}-aa.part`;
    for (const place of ['.', 'metadata', batch]) writeFileSync(join(folder, place, name), 'half');
    expect(leftovers(folder)).toHaveLength(3);
    expect(await tidyStorage(none, tools(folder))).toMatchObject({ files: 0 });
    expect(leftovers(folder)).toEqual([]);
  });

  it('removes nothing while metadata is damaged', async () => {
    const { folder, snapshot } = await untidy();
    age(folder, snapshot, 3 * 86_400);
    writeFileSync(join(folder, 'metadata', 'torn.meta'), '{"Transac');
    const tidied = await tidyStorage({ ...none, givenUp: ['state_snapshot/1'] }, tools(folder));
    expect(tidied).toMatchObject({ folders: 3, removed: 0 });
    expect(existsSync(join(folder, snapshot))).toBe(true);
  });
});
