/** The local folder keeps the contract, and what only folders can do wrong ends in clear errors. */
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { on, once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { OWNER } from '../../src/storage/local-owner.js';
import { LocalStorage } from '../../src/storage/local.js';
import { openStorage } from '../../src/storage/open.js';
import { temporaryFolder } from '../support/temporal.js';
import { storageContract } from './contract.js';

function folder(): string {
  const path = temporaryFolder('storage');
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

describe('as it is', () => {
  storageContract(() => {
    const root = join(folder(), 'made', 'when', 'needed');
    return Promise.resolve(() => new LocalStorage(root));
  });
});

describe('with deadlines', () => {
  storageContract(() => {
    const local_fs_dir = join(folder(), 'made', 'when', 'needed');
    return Promise.resolve(() => openStorage({ local_fs_dir }));
  });
});

const content = new Uint8Array(Buffer.from('content'));

it('a folder that is not there is an error, not an empty storage', async () => {
  const root = join(folder(), 'mistyped');
  await expect(new LocalStorage(root).listMetadata()).rejects.toMatchObject({
    code: 'STORAGE_MISSING',
  });
  expect(readdirSync(join(root, '..'))).toEqual([]);
});

describe('symbolic links', () => {
  it('do not lead out of the storage', async () => {
    const root = folder();
    const outside = folder();
    writeFileSync(join(outside, 'secret.txt'), 'secret');
    symlinkSync(outside, join(root, 'a_backup'));
    const storage = new LocalStorage(root);
    await expect(storage.readAll('a_backup/secret.txt', 100)).rejects.toMatchObject({
      code: 'NAME_INVALID',
    });
    await expect(storage.createFile('a_backup', 'x.chunk')).rejects.toMatchObject({
      code: 'NAME_INVALID',
    });
    expect(readdirSync(outside)).toEqual(['secret.txt']);
  });

  it('may be the storage itself', async () => {
    const link = join(folder(), 'link');
    symlinkSync(folder(), link);
    const storage = new LocalStorage(link);
    await storage.saveMetadata('one.meta', content);
    expect(await storage.listMetadata()).toEqual(['metadata/one.meta']);
  });
});

it('a folder that is removed while a file is written can be tried again', async () => {
  const root = folder();
  const storage = new LocalStorage(root);
  const file = await storage.createFile(await storage.createBackup('a_backup'), 'x.chunk');
  await file.write(content);
  rmSync(join(root, 'a_backup'), { recursive: true });
  await expect(file.publish()).rejects.toMatchObject({ code: 'STORAGE_MISSING', retryable: true });
  await file.discard();
});

it('only whole metadata files are listed', async () => {
  const root = folder();
  const storage = new LocalStorage(root);
  await storage.saveMetadata('one.meta', content);
  const half = await storage.createFile('metadata', 'two.meta');
  await half.write(content);
  mkdirSync(join(root, 'metadata', 'folder.meta'));
  expect(await storage.listMetadata()).toEqual(['metadata/one.meta']);
  await half.discard();
  expect(readdirSync(join(root, 'metadata')).sort()).toEqual(['folder.meta', 'one.meta']);
});

it('a named pipe is no file, and does not hold up its reader', async () => {
  const root = folder();
  execFileSync('mkfifo', [join(root, 'pipe.chunk')]);
  await expect(new LocalStorage(root).readAll('pipe.chunk', 100)).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
});

it('a file in the way of a folder is named', async () => {
  const root = join(folder(), 'file');
  writeFileSync(root, '');
  await expect(new LocalStorage(root).createBackup('a_backup')).rejects.toThrow(root);
});

it('what a dead process left is removed, what a living one writes is not', async () => {
  const root = folder();
  mkdirSync(join(root, 'a_backup'));
  const child = spawn('true');
  await once(child, 'close');
  const dead = `.${OWNER}-${child.pid}-aa.part`;
  const living = `.${OWNER}-${process.ppid}-bb.part`;
  const elsewhere = `.00000000-${child.pid}-cc.part`;
  const old = `.00000000-${process.ppid}-dd.part`;
  for (const name of [dead, living, elsewhere, old]) {
    writeFileSync(join(root, 'a_backup', name), 'half');
  }
  const twoDaysAgo = Date.now() / 1000 - 2 * 86_400;
  utimesSync(join(root, 'a_backup', old), twoDaysAgo, twoDaysAgo);
  await new LocalStorage(root).createBackup('a_backup');
  expect(readdirSync(join(root, 'a_backup')).sort()).toEqual([elsewhere, living].sort());
});

it('what a killed process left is removed by the next one that writes there', async () => {
  const root = folder();
  const writer = startWriter(root, 'half');
  await said(writer, 'ready');
  writer.stdin.write('go\n');
  await said(writer, 'written');
  expect(readdirSync(join(root, 'a_backup'))).toHaveLength(1);
  writer.kill('SIGKILL');
  await once(writer, 'close');
  await new LocalStorage(root).createBackup('a_backup');
  expect(readdirSync(join(root, 'a_backup'))).toEqual([]);
});

it('containers of the same host name leave alone what the other one writes', async (t) => {
  const apart = ['unshare', '--user', '--map-root-user', '--pid', '--fork', '--kill-child'];
  if (!works([...apart, 'true'])) return t.skip('no space of process ids can be made here');
  const root = folder();
  const storage = new LocalStorage(root);
  const file = await storage.createFile(await storage.createBackup('a_backup'), 'ours.chunk');
  await file.write(content);
  const writer = startWriter(root, 'theirs', apart);
  const end = once(writer, 'close');
  writer.stdin.write('go\n');
  await said(writer, 'written');
  // Their process id is a small one, which here is another's or nobody's.
  await new LocalStorage(root).createBackup('a_backup');
  expect(readdirSync(join(root, 'a_backup'))).toHaveLength(2);
  writer.stdin.end('publish\n');
  await end;
  expect(await file.publish()).toBe('created');
  expect(readdirSync(join(root, 'a_backup')).sort()).toEqual(['ours.chunk', 'x.chunk']);
});

it('of processes that race for a name one wins, and its content stays', async () => {
  const root = folder();
  const writers = ['1', '2', '3', '4'].map((text) => startWriter(root, text));
  await Promise.all(writers.map((writer) => said(writer, 'ready')));
  const outcomes = writers.map((writer) => said(writer, /created|exists/));
  const ends = writers.map((writer) => once(writer, 'close'));
  for (const writer of writers) writer.stdin.end('go\npublish\n');
  const all = await Promise.all(outcomes);
  await Promise.all(ends);
  expect(all.filter((outcome) => outcome === 'created')).toHaveLength(1);
  const stored = await new LocalStorage(root).readAll('a_backup/x.chunk', 10);
  expect(Buffer.from(stored).toString()).toBe(`${all.indexOf('created') + 1}`);
  expect(readdirSync(join(root, 'a_backup'))).toEqual(['x.chunk']);
});

const WRITER = fileURLToPath(new URL('writer.ts', import.meta.url));
const TSX = import.meta.resolve('tsx');

function startWriter(root: string, text: string, within: string[] = []) {
  const [program = '', ...args] = [...within, process.execPath, '--import', TSX, WRITER];
  const writer = spawn(program, [...args, root, text]);
  onTestFinished(() => void writer.kill('SIGKILL'));
  return writer;
}

/** Waits for a word that a process prints. */
async function said(process: ReturnType<typeof startWriter>, word: string | RegExp) {
  const parts = on(process.stdout, 'data', { close: ['close'] }) as AsyncIterable<[Buffer]>;
  for await (const [text] of parts) {
    const found = text.toString().match(word);
    if (found) return found[0];
  }
  throw new Error(`the process ended without saying ${word}`);
}

function works([program = '', ...args]: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** File systems of our own need privileges that not every machine gives. */
function mount(options: string): string | undefined {
  const path = folder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  onTestFinished(() => void execFileSync('umount', ['-l', path]));
  return path;
}

it('a full disk is said to be full, nothing half-written is visible, and room heals it', async (t) => {
  const root = mount('size=300k');
  if (root === undefined) return t.skip('no file system can be mounted here');
  const storage = new LocalStorage(root);
  const file = await storage.createFile(await storage.createBackup('a_backup'), 'x.chunk');
  const fill = async () => {
    for (let i = 0; i < 10; i += 1) await file.write(new Uint8Array(100_000));
    await file.publish();
  };
  await expect(fill()).rejects.toMatchObject({ code: 'NO_SPACE', retryable: true });
  await file.discard();
  expect(readdirSync(join(root, 'a_backup'))).toEqual([]);
  const small = await storage.createFile('a_backup', 'x.chunk');
  await small.write(content);
  expect(await small.publish()).toBe('created');
});

it('a read-only file system is said to be read-only', async (t) => {
  const root = mount('size=300k,ro');
  if (root === undefined) return t.skip('no file system can be mounted here');
  await expect(new LocalStorage(root).createBackup('a_backup')).rejects.toMatchObject({
    code: 'READ_ONLY',
    retryable: true,
  });
});

it('a folder without permission is said to be denied', async (t) => {
  if (process.getuid?.() === 0) return t.skip('root may write everywhere');
  const root = folder();
  chmodSync(root, 0o500);
  await expect(new LocalStorage(root).createBackup('a_backup')).rejects.toMatchObject({
    code: 'DENIED',
  });
});
