/**
 * A mount that lacks something is refused before anything is written to it. A mount that only works
 * differently is accepted.
 */
import type * as Files from 'node:fs/promises';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { OWNER } from '../../../src/storage/local/local-owner.js';
import { LocalBackend } from '../../../src/storage/local/local-backend.js';
import { requireFit } from '../../../src/storage/local/local-probe.js';
import { BackupStorage } from '../../../src/storage/storage.js';
import { onRemark } from '../../../src/storage/remarks.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

/** The answers that calls of the file system give instead of doing anything. */
const answers = vi.hoisted((): { now: Record<string, string>; calls: number; times: number } => ({
  now: {},
  calls: 0,
  times: Infinity,
}));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof Files>();
  const meet = (call: string) => {
    answers.calls += 1;
    const code = answers.now[call];
    if (code && answers.times-- > 0) throw Object.assign(new Error(`${code}: ${call}`), { code });
  };
  const open: typeof real.open = async (...args) => {
    if (args[1] === 'r') meet('open folder');
    const file = await real.open(...args);
    const sync = file.sync.bind(file);
    file.sync = async () => {
      meet(args[1] === 'r' ? 'sync folder' : 'sync file');
      await sync();
    };
    return file;
  };
  const rename: typeof real.rename = async (...args) => {
    meet('rename');
    await real.rename(...args);
  };
  const link: typeof real.link = async (...args) => {
    meet('link');
    await real.link(...args);
  };
  const mkdir = async (...args: Parameters<typeof real.mkdir>) => {
    meet('mkdir');
    return real.mkdir(...args);
  };
  return { ...real, open, rename, link, mkdir };
});

afterEach(() => {
  answers.now = {};
  answers.times = Infinity;
});

function place(): string {
  const root = temporaryFolder('storage');
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

async function store(root: string) {
  const storage = new BackupStorage(new LocalBackend(root));
  await storage.begin();
  const file = await storage.createFile(await storage.createBackup('a_backup'), 'x.chunk');
  await file.write(Buffer.from('content'));
  await file.publish();
  return Buffer.from(await storage.readAll('a_backup/x.chunk', 100)).toString();
}

describe.each([
  ['rename', 'ENOSYS', 'rename a file'],
  ['rename', 'EPERM', 'rename a file'],
  ['rename', 'ENOENT', 'rename a file'],
  ['sync file', 'ENOTSUP', 'sync a file'],
  ['sync file', 'EINVAL', 'sync a file'],
])('a place where %s answers %s', (call, code, what) => {
  it('is refused in one sentence, and nothing is left in it', async () => {
    const root = join(place(), 'made', 'for it');
    answers.now = { [call]: code };
    await expect(new BackupStorage(new LocalBackend(root)).begin()).rejects.toMatchObject({
      code: 'STORAGE_UNFIT',
      retryable: false,
      message: expect.stringContaining(`it cannot ${what} (${code})`) as string,
    });
    expect(readdirSync(join(root, '..', '..'))).toEqual([]);
  });
});

it.each(['EACCES', 'EIO', 'EMLINK', 'EXDEV', 'EPERM', 'ENOSYS'])(
  'where a link answers %s, an exclusive create does its work',
  async (code) => {
    answers.now = { link: code };
    expect(await store(place())).toBe('content');
  },
);

it.each([
  ['sync folder', 'EBADF'],
  ['sync folder', 'EACCES'],
  ['sync folder', 'ENOTTY'],
  ['sync folder', 'EISDIR'],
  ['sync folder', 'EXDEV'],
  ['sync folder', 'EMLINK'],
  ['open folder', 'EACCES'],
])('a place where %s answers %s is reported once, and everything goes on', async (call, code) => {
  const told: string[] = [];
  onRemark((text) => told.push(text));
  answers.now = { [call]: code };
  const root = place();
  for (let i = 0; i < 2; i += 1) expect(await store(root)).toBe('content');
  expect(told).toEqual([expect.stringContaining(`folders cannot be synced (${code})`)]);
});

it('a disk that reports an error does not count as unfit, and is tried again', async () => {
  answers.now = { 'sync file': 'EIO' };
  const failed = { code: 'STORAGE_FAILED', retryable: true };
  await expect(new BackupStorage(new LocalBackend(place())).begin()).rejects.toMatchObject(failed);
});

it.each(['rename', 'sync file'])('a place where only one %s fails is fit', async (call) => {
  answers.now = { [call]: 'EACCES' };
  answers.times = 1;
  expect(await store(place())).toBe('content');
});

it('a file that cannot be synced in a place that was fit is tried again', async () => {
  const root = place();
  await store(root);
  const file = await new BackupStorage(new LocalBackend(root)).createFile('metadata', 'one.meta');
  answers.now = { 'sync file': 'EACCES' };
  const failed = { code: 'SYNC_FAILED', retryable: true };
  await expect(file.publish()).rejects.toMatchObject(failed);
  await file.discard();
});

it.each(['EINVAL', 'EBADF', 'EMLINK', 'ENOTTY'])(
  'a path where making a folder answers %s is refused for good, and nothing is left',
  async (code) => {
    const root = place();
    answers.now = { mkdir: code };
    const failed = { retryable: false, message: expect.stringContaining(root) as string };
    await expect(
      new BackupStorage(new LocalBackend(join(root, 'x'))).begin(),
    ).rejects.toMatchObject(failed);
    expect(readdirSync(root)).toEqual([]);
  },
);

it('each process tests a place once, and never for reading', async () => {
  const root = place();
  await store(root);
  const storage = new BackupStorage(new LocalBackend(root));
  answers.calls = 0;
  await storage.listMetadata();
  await storage.readAll('a_backup/x.chunk', 100);
  await storage.requireFit();
  expect(answers.calls).toBe(0);
});

it('the next process removes what a process left that was killed in the test', async () => {
  const root = place();
  const left = join(root, `.${OWNER}-4194300-aa.part`);
  mkdirSync(left);
  writeFileSync(join(left, '1.chunk'), '');
  await new BackupStorage(new LocalBackend(root)).begin();
  expect(readdirSync(root)).toEqual(['metadata']);
});

it('a claimed name is given up if the file cannot take it', async () => {
  const root = place();
  await store(root);
  const storage = new BackupStorage(new LocalBackend(root));
  const file = await storage.createFile('metadata', 'one.meta');
  await file.write(Buffer.from('1\n'));
  answers.now = { link: 'EPERM', rename: 'EIO' };
  await expect(file.publish()).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
  await file.discard();
  expect(readdirSync(join(root, 'metadata'))).toEqual([]);
});

it('all jobs that wait for the test of a folder hear that it gets on', async () => {
  const folder = place();
  const heard = [0, 0, 0];
  const jobs = heard.map((_, i) => () => void (heard[i]! += 1));
  await Promise.all(jobs.map((hear) => requireFit({ folder, description: 'a folder' }, hear)));
  expect(heard.every((times) => times > 0)).toBe(true);
});
