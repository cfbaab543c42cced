import { mkdirSync, statSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';

/**
 * Creates a folder and its missing parents. Returns the uppermost folder that it created; undefined if none.
 * We do not use the recursive `mkdir` of Node.js: it never ends where the system denies that an existing folder
 * exists, as in /proc.
 * @throws the error of the file system; ENOTDIR for a path that is not a folder
 */
export async function makeMissing(folder: string): Promise<string | undefined> {
  if (await isFolder(folder)) return undefined;
  const first =
    path.dirname(folder) === folder ? undefined : await makeMissing(path.dirname(folder));
  try {
    await mkdir(folder);
  } catch (error) {
    if (isTaken(error) && (await isFolder(folder))) return first; // another process was faster
    throw isTaken(error) ? leadsNowhere(folder) : error;
  }
  return first ?? folder;
}

/** The same, synchronously. */
export function makeMissingSync(folder: string): void {
  const isThere = () => statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
  if (isThere()) return;
  if (path.dirname(folder) !== folder) makeMissingSync(path.dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    if (!isTaken(error) || !isThere()) throw error;
  }
}

async function isFolder(folder: string): Promise<boolean> {
  try {
    if ((await stat(folder)).isDirectory()) return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  throw Object.assign(new Error(`${folder} is not a folder`), { code: 'ENOTDIR' });
}

function isTaken(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EEXIST';
}

/** The error for a link to nothing: its name is taken, but no folder is there. */
function leadsNowhere(folder: string): Error {
  const why = `${folder} is a link to something that is not there`;
  return Object.assign(new Error(why), { code: 'ENOTDIR' });
}
