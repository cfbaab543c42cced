/**
 * Faults that only folders have end in clear errors. contract.test.ts shows that folders keep the
 * contract.
 */
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { on, once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readCatalog } from '../../../src/repository/catalog.js';
import { OWNER } from '../../../src/storage/local/local-owner.js';
import { LocalBackend } from '../../../src/storage/local/local-backend.js';
import { moveIfAbsent } from '../../../src/storage/local/local-move.js';
import { BackupStorage } from '../../../src/storage/storage.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

function folder(): string {
  const path = temporaryFolder('storage');
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const content = new Uint8Array(Buffer.from('content'));

it('a missing folder is an error, not an empty storage', async () => {
  const root = join(folder(), 'mistyped');
  await expect(new BackupStorage(new LocalBackend(root)).listMetadata()).rejects.toMatchObject({
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
    const storage = new BackupStorage(new LocalBackend(root));
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
    const storage = new BackupStorage(new LocalBackend(link));
    await storage.begin();
    await storage.saveMetadata('one.meta', content);
    expect(await storage.listMetadata()).toEqual(['metadata/one.meta']);
  });
});

it('a write into a folder that is removed meanwhile fails with an error that may pass', async () => {
  const root = folder();
  const storage = new BackupStorage(new LocalBackend(root));
  const file = await storage.createFile(await storage.createBackup('a_backup'), 'x.chunk');
  await file.write(content);
  rmSync(join(root, 'a_backup'), { recursive: true });
  await expect(file.publish()).rejects.toMatchObject({ code: 'FOLDER_GONE', retryable: true });
  await file.discard();
});

it('only whole metadata files are listed', async () => {
  const root = folder();
  const storage = new BackupStorage(new LocalBackend(root));
  await storage.begin();
  await storage.saveMetadata('one.meta', new Uint8Array(Buffer.from('{"one": 1}\n')));
  const half = await storage.createFile('metadata', 'two.meta');
  await half.write(content);
  mkdirSync(join(root, 'metadata', 'folder.meta'));
  expect(await storage.listMetadata()).toEqual(['metadata/one.meta']);
  await half.discard();
  expect(readdirSync(join(root, 'metadata')).sort()).toEqual(['folder.meta', 'one.meta']);
});

it('a named pipe is no file, and does not block its reader', async () => {
  const root = folder();
  execFileSync('mkfifo', [join(root, 'pipe.chunk')]);
  await expect(
    new BackupStorage(new LocalBackend(root)).readAll('pipe.chunk', 100),
  ).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
});

it('a file in the way of a folder is named', async () => {
  const root = join(folder(), 'file');
  writeFileSync(root, '');
  await expect(new BackupStorage(new LocalBackend(root)).createBackup('a_backup')).rejects.toThrow(
    root,
  );
});

it('unfinished files of a dead process are removed, those of a living one are not', async () => {
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
  await new BackupStorage(new LocalBackend(root)).createBackup('a_backup');
  expect(readdirSync(join(root, 'a_backup')).sort()).toEqual([elsewhere, living].sort());
});

it('unfinished files of a killed process are removed by the next process that writes there', async () => {
  const root = folder();
  const writer = startWriter(root, 'half');
  await said(writer, 'ready');
  writer.stdin.write('go\n');
  await said(writer, 'written');
  expect(readdirSync(join(root, 'a_backup'))).toHaveLength(1);
  writer.kill('SIGKILL');
  await once(writer, 'close');
  await new BackupStorage(new LocalBackend(root)).createBackup('a_backup');
  expect(readdirSync(join(root, 'a_backup'))).toEqual([]);
});

it('containers with the same host name do not touch files of each other', async (t) => {
  const apart = ['unshare', '--user', '--map-root-user', '--pid', '--fork', '--kill-child'];
  if (!works([...apart, 'true'])) return t.skip('no space of process ids can be made here');
  const root = folder();
  const storage = new BackupStorage(new LocalBackend(root));
  const file = await storage.createFile(await storage.createBackup('a_backup'), 'ours.chunk');
  await file.write(content);
  const writer = startWriter(root, 'theirs', apart);
  const end = once(writer, 'close');
  writer.stdin.write('go\n');
  await said(writer, 'written');
  // Their process id is small; here it belongs to another process or to none.
  await new BackupStorage(new LocalBackend(root)).createBackup('a_backup');
  expect(readdirSync(join(root, 'a_backup'))).toHaveLength(2);
  writer.stdin.end('publish\n');
  await end;
  expect(await file.publish()).toBe('created');
  expect(readdirSync(join(root, 'a_backup')).sort()).toEqual(['ours.chunk', 'x.chunk']);
});

it('one of several processes that race for a name wins, and its content stays', async () => {
  const root = folder();
  const writers = ['1', '2', '3', '4'].map((text) => startWriter(root, text));
  await Promise.all(writers.map((writer) => said(writer, 'ready')));
  const outcomes = writers.map((writer) => said(writer, /created|exists/));
  const ends = writers.map((writer) => once(writer, 'close'));
  for (const writer of writers) writer.stdin.end('go\npublish\n');
  const all = await Promise.all(outcomes);
  await Promise.all(ends);
  expect(all.filter((outcome) => outcome === 'created')).toHaveLength(1);
  const stored = await new BackupStorage(new LocalBackend(root)).readAll('a_backup/x.chunk', 10);
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

/** Own file systems need privileges that not every machine gives. */
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

it('a full disk is reported as full, nothing half-written is visible, and writing works again when there is room', async (t) => {
  const root = mount('size=300k');
  if (root === undefined) return t.skip('no file system can be mounted here');
  const storage = new BackupStorage(new LocalBackend(root));
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

it('a disk that is full to its last byte keeps no file of a question for the time', async (t) => {
  const root = mount('size=300k');
  if (root === undefined) return t.skip('no file system can be mounted here');
  const filler = openSync(join(root, 'filler'), 'w');
  try {
    for (;;) writeSync(filler, Buffer.alloc(4096));
  } catch (error) {
    expect(error).toMatchObject({ code: 'ENOSPC' });
  } finally {
    closeSync(filler);
  }
  const storage = new BackupStorage(new LocalBackend(root));
  await expect(storage.now()).rejects.toMatchObject({ code: 'NO_SPACE', retryable: true });
  expect(readdirSync(root)).toEqual(['filler']);
});

it('a file system without free inodes is reported as such, and not as full', async (t) => {
  const root = mount('size=1m,nr_inodes=8');
  if (root === undefined) return t.skip('no file system can be mounted here');
  const storage = new BackupStorage(new LocalBackend(root));
  await storage.createBackup('a_backup');
  const fill = async () => {
    for (let i = 0; i < 10; i += 1) {
      const file = await storage.createFile('a_backup', `${i}-.chunk`);
      await file.publish();
    }
  };
  const told = {
    code: 'NO_SPACE',
    retryable: true,
    message: expect.stringContaining('inodes') as string,
  };
  await expect(fill()).rejects.toMatchObject(told);
});

it.each([
  ['/proc/x/y', /no folder can be made there/],
  ['/dev/null/x', /not a folder/],
])('%s is refused at once as a place for a storage', async (root, why) => {
  const begun = new BackupStorage(new LocalBackend(root)).begin();
  await expect(begun).rejects.toMatchObject({ retryable: false });
  await expect(begun).rejects.toThrow(why);
});

it.each(['a file', 'a link that leads nowhere'])('%s is no storage', async (what) => {
  const root = join(folder(), 'place');
  if (what === 'a file') writeFileSync(root, '');
  else symlinkSync('/nowhere/at/all', root);
  await expect(new BackupStorage(new LocalBackend(root)).begin()).rejects.toMatchObject({
    retryable: false,
  });
  await expect(new BackupStorage(new LocalBackend(root)).listFolders()).rejects.toMatchObject({
    retryable: false,
  });
});

it('a metadata file that is a link is read if the link stays inside the storage, and else reported', async () => {
  const root = folder();
  const storage = new BackupStorage(new LocalBackend(root));
  await storage.begin();
  writeFileSync(join(root, 'inside.txt'), '{"torn\n');
  symlinkSync('../inside.txt', join(root, 'metadata', 'inside.meta'));
  symlinkSync('/etc/hostname', join(root, 'metadata', 'outside.meta'));
  symlinkSync('nothing', join(root, 'metadata', 'dangling.meta'));
  const { damaged, files } = await readCatalog(storage);
  expect(files).toBe(3);
  expect(damaged).toEqual([
    { object: 'metadata/dangling.meta', why: expect.stringContaining('a link') as string },
    { object: 'metadata/inside.meta', why: expect.stringContaining('line 1') as string },
    { object: 'metadata/outside.meta', why: expect.stringContaining('leads out') as string },
  ]);
});

it('a read-only file system is reported as read-only', async (t) => {
  const root = mount('size=300k,ro');
  if (root === undefined) return t.skip('no file system can be mounted here');
  await expect(
    new BackupStorage(new LocalBackend(root)).createBackup('a_backup'),
  ).rejects.toMatchObject({
    code: 'READ_ONLY',
    retryable: true,
  });
});

it('a folder without permission is reported as denied', async (t) => {
  if (process.getuid?.() === 0) return t.skip('root may write everywhere');
  const root = folder();
  chmodSync(root, 0o500);
  await expect(
    new BackupStorage(new LocalBackend(root)).createBackup('a_backup'),
  ).rejects.toMatchObject({
    code: 'DENIED',
  });
});

it('a file that is gone claims no name, not even for a moment', async () => {
  const root = folder();
  // What a call returns late may find the unfinished file removed, and the name given to another attempt's file.
  await expect(moveIfAbsent(join(root, '.gone.part'), join(root, 'x.chunk'))).rejects.toMatchObject(
    { code: 'ENOENT', syscall: 'link' },
  );
});
