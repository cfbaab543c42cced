/** `up` with a data folder on a full disk: it lives on, says so, and goes on when there is room. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openStorage } from '../../src/storage/open.js';
import { WHOLE_STORAGE, verifyStorage } from '../../src/verify/verify-storage.js';
import { devnode, storageFolder } from '../support/backup.js';
import { dataFolder, startCli } from '../support/cli.js';
import { until } from '../support/until.js';
import type { LiveStatus } from '../../src/contract/answers/shown-answers.js';

/** A disk of its own, if the machine allows one. */
function smallDisk(): string | undefined {
  const folder = dataFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  onTestFinished(() => void execFileSync('umount', ['-l', folder]));
  return folder;
}

/** Writes until not a byte more can be written. Returns the file to remove. */
function fill(disk: string): string {
  const path = join(disk, 'filling');
  const file = openSync(path, 'a');
  try {
    for (let size = 1024 * 1024; size >= 1; size = Math.floor(size / 2)) {
      try {
        for (;;) if (writeSync(file, Buffer.alloc(size)) < size) break;
      } catch (error) {
        expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
      }
    }
  } finally {
    closeSync(file);
  }
  return path;
}

it('with a full data folder, up lives on, says why nothing goes on, and goes on when there is room', async (t) => {
  const data = smallDisk();
  if (data === undefined) return t.skip('no file system can be mounted here');
  const node = await devnode();
  const folder = storageFolder();
  const { genesis_waypoint: genesis } = node.facts();
  const up = startCli([
    ...['up', '--json', '--backup-service-address', node.address, '--local-fs-dir', folder],
    ...['--transaction-batch-size', '100', '--trust-waypoint', genesis, '--data-dir', data],
  ]);
  const statuses = () =>
    up.lines.flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as LiveStatus] : []));
  const stored = (version: number) => () => {
    const newest = statuses().at(-1)?.streams.transaction.newest;
    return newest !== undefined && Number(newest) >= version;
  };
  await until('it has stored what is full', stored(400));

  const filling = fill(data);
  await up.says(
    /^The disk of .*temporal is full \(\d+ bytes left\): Temporal cannot save its state/,
  );
  node.grow({ transactions: 1_000, epochs: 1 });
  // Everything local meets the full disk: crash report, logs, the start of the server.
  const started = /^Chunk worker is started: process (\d+)$/;
  const workers = () => up.lines.flatMap((line) => started.exec(line)?.[1] ?? []);
  process.kill(Number(workers()[0]), 'SIGKILL');
  await up.says(
    /^Chunk worker, process \d+, had in hand: .*; no crash report could be written: ENOSPC/,
  );
  await until('another worker runs', () => workers().length >= 2);
  const state = readFileSync(join(data, 'temporal', 'server.json'), 'utf8');
  process.kill((JSON.parse(state) as { pid: number }).pid, 'SIGKILL');
  await up.says(/^The Temporal server is not back yet: .*/);
  expect(up.child.exitCode).toBeNull();

  rmSync(filling);
  await up.says(/^There is room again on the disk of /);
  const { version } = node.facts();
  await until('it has caught up', stored(version - 100), 120_000);
  const code = await up.stop();
  // Statuses come on stdout, what is said on stderr: neither waits for the other.
  const said = up.lines.filter((line) => !line.startsWith('{'));
  expect({ code, last: said.at(-1) }).toEqual({
    code: 0,
    last: 'Stopped. The next start goes on from here.',
  });
  const storage = { local_fs_dir: folder };
  const trust = { storage, trustWaypoints: [genesis] };
  expect(await verifyStorage(openStorage(storage), trust, WHOLE_STORAGE)).toMatchObject({
    ok: true,
    findings: [],
    missing: { epoch_endings: [], transactions: [] },
  });
}, 600_000);
