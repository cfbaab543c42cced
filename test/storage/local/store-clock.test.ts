/** The clock of a file server may differ from ours. Only its clock decides about its files. */
import type * as Files from 'node:fs/promises';
import { mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { LocalBackend } from '../../../src/storage/local/local-backend.js';
import { BackupStorage } from '../../../src/storage/storage.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const store = vi.hoisted(() => ({ aheadMs: 0 }));
const DAY_MS = 86_400_000;

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof Files>();
  const stat = async (file: string, options?: { bigint?: boolean }) => {
    const found = await real.stat(file, options);
    if (typeof found.mtimeMs === 'number') found.mtimeMs += store.aheadMs;
    return found;
  };
  const lstat = async (file: string, options?: { bigint?: boolean }) => {
    const found = await real.lstat(file, options);
    if (typeof found.mtimeMs === 'bigint') found.mtimeMs += BigInt(store.aheadMs);
    return found;
  };
  return { ...real, stat, lstat };
});

function folder(): string {
  const root = temporaryFolder('storage');
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, 'a_backup'));
  return root;
}

it.each([-3 * DAY_MS, 0, 3 * DAY_MS])(
  'with a clock that is %d ms ahead, new unfinished files stay, and those of more than a day are removed',
  async (aheadMs) => {
    store.aheadMs = aheadMs;
    const root = folder();
    const put = (name: string, agoMs: number) => {
      writeFileSync(join(root, 'a_backup', name), 'half');
      const at = (Date.now() - agoMs) / 1000;
      utimesSync(join(root, 'a_backup', name), at, at);
    };
    put('.00000000-1-aa.part', 60_000);
    put('.00000000-1-bb.part', 2 * DAY_MS);
    const tidied = await new BackupStorage(new LocalBackend(root)).removeLeftovers('a_backup');
    expect(tidied).toEqual({ removed: 1, left: 1 });
    expect(readdirSync(join(root, 'a_backup'))).toEqual(['.00000000-1-aa.part']);
    const storage = new BackupStorage(new LocalBackend(root));
    const since = (await storage.now()) - (await storage.lastChange('a_backup'))!;
    expect(Math.abs(since)).toBeLessThan(60_000);
  },
);

it('a file of this process that looks older than the process stays', async () => {
  store.aheadMs = 0;
  const root = folder();
  const file = await new BackupStorage(new LocalBackend(root)).createFile('a_backup', 'x.chunk');
  await file.write(Buffer.from('content'));
  const [name] = readdirSync(join(root, 'a_backup'));
  const anHourAgo = Date.now() / 1000 - 3600; // by a clock that is behind
  utimesSync(join(root, 'a_backup', name!), anHourAgo, anHourAgo);
  expect(name).toMatch(new RegExp(`-${process.pid}\\.\\d+-`));
  // A thread looks at it. It shares only the process.
  expect(await new BackupStorage(new LocalBackend(root)).removeLeftovers('a_backup')).toMatchObject(
    { removed: 0 },
  );
  expect(await file.publish()).toBe('created');
});
