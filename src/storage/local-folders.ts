import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { isCode } from './local-errors.js';
import { syncFolder } from './local-file.js';

/** Makes a folder, and those above it, where they are missing; durably. */
export async function makeFolders(folder: string): Promise<void> {
  const first = await makeMissing(folder);
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = path.dirname(made)) {
    await syncFolder(path.dirname(made));
  }
}

/** Returns the uppermost folder that had to be made. */
async function makeMissing(folder: string): Promise<string | undefined> {
  try {
    return await mkdir(folder, { recursive: true });
  } catch (error) {
    // On a read-only file system the recursive call says ENOENT; the plain one says why.
    if (isCode(error, 'ENOENT')) await mkdir(folder);
    throw error;
  }
}
