import { statfs } from 'node:fs/promises';

/** Bytes that are free to this user on the disk of a folder. @throws the error of the file system */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
