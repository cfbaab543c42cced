import { mkdtemp, readdir, rm, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { OWNER } from '../local/local-owner.js';
import { StorageError } from '../storage-error.js';

const PREFIX = 'aptos-backup-command-';

/** Who made a folder at another boot or in another container cannot be asked. So old it is abandoned. */
const ABANDONED_MS = 24 * 60 * 60_000;

let tidied: Promise<void> | undefined;

/** Makes a temporary folder of this process. Removes folders of dead processes first. */
export async function makeScratch(): Promise<string> {
  tidied ??= removeAbandoned().catch(() => undefined);
  await tidied;
  try {
    return await mkdtemp(path.join(tmpdir(), `${PREFIX}${OWNER}-${process.pid}-`));
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    const why = `no folder can be made in ${tmpdir()}, the folder for temporary files (${code}); make room, correct its mode, or let TMPDIR name another one`;
    const full = code === 'ENOSPC' || code === 'EDQUOT';
    throw new StorageError(full ? 'NO_SPACE' : 'STORAGE_FAILED', '', why, { cause: error });
  }
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
  const pattern = new RegExp(`^${PREFIX}([0-9a-f]{8})-(\\d+)-`);
  for (const name of await readdir(tmpdir())) {
    const [, owner, pid] = pattern.exec(name) ?? [];
    if (pid === undefined) continue;
    const folder = path.join(tmpdir(), name);
    if (owner === OWNER ? isAlive(Number(pid)) : !(await isOld(folder))) continue;
    await removeScratch(folder).catch(() => undefined);
  }
}

async function isOld(folder: string): Promise<boolean> {
  return stat(folder).then(
    ({ mtimeMs }) => Date.now() - mtimeMs > ABANDONED_MS,
    () => false,
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
