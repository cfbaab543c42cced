import { mkdtemp, readdir, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { OWNER } from '../local/local-owner.js';
import { StorageError } from '../storage-error.js';

const PREFIX = 'aptos-backup-command-';

let tidied: Promise<void> | undefined;

/** Makes a temporary folder of this process. Removes folders of dead processes first. */
export async function makeScratch(): Promise<string> {
  tidied ??= removeAbandoned().catch(() => undefined);
  await tidied;
  return mkdtemp(path.join(tmpdir(), `${PREFIX}${OWNER}-${process.pid}-`));
}

/** Removes such a folder. Retries, because killed programs may still be closing their files. */
export async function removeScratch(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

/** @throws StorageError NO_SPACE when the folder for temporary files has no room for so many bytes */
export async function requireRoom(bytes: number, handle: string): Promise<void> {
  const folder = tmpdir();
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= bytes) return;
  const why = `${folder} has ${free} bytes free, and ${handle} needs room for ${bytes} there; make room, or let TMPDIR name another folder`;
  throw new StorageError('NO_SPACE', handle, why);
}

async function removeAbandoned(): Promise<void> {
  const pattern = new RegExp(`^${PREFIX}${OWNER}-(\\d+)-`);
  for (const name of await readdir(tmpdir())) {
    const pid = pattern.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    await removeScratch(path.join(tmpdir(), name)).catch(() => undefined);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
