import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freeBytes } from '../../lib/host/free-bytes.js';
import { OWNER } from '../local/local-owner.js';
import { StorageError } from '../storage-error.js';

const PREFIX = 'aptos-backup-command-';

/** Who made a folder at another boot or in another container cannot be asked. So old it is abandoned. */
const ABANDONED_MS = 24 * 60 * 60_000;

/** Folders from which this process has removed what dead processes left. */
const tidied = new Map<string, Promise<void>>();

/**
 * Makes a temporary folder of this process. Removes folders of dead processes first. `parent`: what an adapter calls
 * TMPDIR, if it names one.
 */
export async function makeScratch(parent?: string): Promise<string> {
  const folder = await folderFor(parent);
  const tidying = tidied.get(folder) ?? removeAbandoned(folder).catch(() => undefined);
  tidied.set(folder, tidying);
  await tidying;
  try {
    return await mkdtemp(path.join(folder, `${PREFIX}${OWNER}-${process.pid}-`));
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    const why = `no folder can be made in ${folder}, the folder for temporary files (${code}); make room, correct its mode, or let TMPDIR name another one`;
    const full = code === 'ENOSPC' || code === 'EDQUOT';
    throw new StorageError(full ? 'NO_SPACE' : 'STORAGE_FAILED', '', why, { cause: error });
  }
}

/** Removes such a folder. Retries, because killed programs may still be closing their files. */
export async function removeScratch(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

/** @throws StorageError NO_SPACE when the folder for temporary files has no room for so many bytes */
export async function requireRoom(bytes: number, handle: string, parent?: string): Promise<void> {
  const folder = await folderFor(parent);
  const free = await freeBytes(folder);
  if (free >= bytes) return;
  const why = `${folder} has ${free} bytes free, and ${handle} needs room for ${bytes} there; make room, or let TMPDIR name another folder`;
  throw new StorageError('NO_SPACE', handle, why);
}

/** One that an adapter names is made: nobody else may need it, or its commands make it themselves. */
async function folderFor(named: string | undefined): Promise<string> {
  if (named === undefined || named === '') return tmpdir();
  const folder = path.resolve(named);
  await mkdir(folder, { recursive: true }).catch(() => undefined); // whoever needs it says why it cannot be used
  return folder;
}

async function removeAbandoned(parent: string): Promise<void> {
  const pattern = new RegExp(`^${PREFIX}([0-9a-f]{8})-(\\d+)-`);
  for (const name of await readdir(parent)) {
    const [, owner, pid] = pattern.exec(name) ?? [];
    if (pid === undefined) continue;
    const folder = path.join(parent, name);
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
