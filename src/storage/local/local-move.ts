import { link, lstat, open, rename, rm } from 'node:fs/promises';
import { isCode } from './local-errors.js';

/**
 * Renames a file, unless the name is taken. It makes a hard link, which fails for a taken name, where a
 * rename would replace the file. Returns whether it did.
 */
export async function moveIfAbsent(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    // The file itself, or a folder, is gone: no name may be claimed for it.
    if (isCode(error, 'ENOENT')) throw error;
    // File systems without hard links report that in different ways. A real problem shows again below.
    return claimName(from, to);
  }
  await rm(from);
  return true;
}

/** For file systems without hard links: an empty file claims the name and is then replaced. */
async function claimName(from: string, to: string): Promise<boolean> {
  let claimed: bigint;
  try {
    const file = await open(to, 'wx');
    try {
      claimed = (await file.stat({ bigint: true })).ino;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  }
  try {
    await rename(from, to);
  } catch (error) {
    await giveUpName(to, claimed).catch(() => undefined);
    throw error;
  }
  return true;
}

/** Removes the empty file again. A file that somebody else has put there stays. */
async function giveUpName(name: string, claimed: bigint): Promise<void> {
  const { ino, size } = await lstat(name, { bigint: true });
  if (ino === claimed && size === 0n) await rm(name);
}
