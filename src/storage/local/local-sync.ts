import { type FileHandle, open } from 'node:fs/promises';
import { StorageError } from '../storage-error.js';
import { isCode, mayPass, nameOf } from './local-errors.js';

/**
 * Makes the content of a file durable. A place that was found fit may still fail here.
 * @throws StorageError STORAGE_UNFIT where files cannot be synced, because data could get lost unnoticed
 */
export async function syncFile(file: FileHandle, handle: string): Promise<void> {
  try {
    await file.sync();
  } catch (error) {
    if (mayPass(error)) throw error;
    const why = `this mount cannot keep files safe: it cannot sync a file (${nameOf(error)}); use another one, or mount it with other options`;
    throw new StorageError('SYNC_FAILED', handle, why, { cause: error });
  }
}

/**
 * Makes new names in a folder durable. Some network and user-space file systems cannot sync folders. For
 * these it returns their answer, and nothing more can be done.
 */
export async function syncFolder(folder: string): Promise<string | undefined> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(folder, 'r');
    await handle.sync();
    return undefined;
  } catch (error) {
    if (mayPass(error) || isCode(error, 'ENOENT', 'ENOTDIR')) throw error;
    return nameOf(error) || (error as Error).message;
  } finally {
    await handle?.close();
  }
}
