import { constants, open, realpath } from 'node:fs/promises';
import path from 'node:path';
import { isStorageError } from '../storage-error.js';
import { isCode } from './local-errors.js';
import type { LocalRoot } from './local-root.js';

/** Larger files are read in parts. */
const MOST_BYTES = 64 * 1024;

/**
 * Reads small files of folders that are known to be inside of the storage. To find that out for each file would take
 * longer than to read it.
 */
export class SmallFiles {
  /** Real paths, by folder. */
  private readonly folders = new Map<string, string>();

  constructor(
    private readonly root: string,
    private readonly place: LocalRoot,
  ) {}

  /** Call it at each listing of a folder. A folder that leads out of the storage is not allowed. */
  async allow(folder: string): Promise<void> {
    this.folders.delete(folder);
    try {
      await this.place.requireInside(folder);
      this.folders.set(folder, await realpath(path.join(this.root, folder)));
    } catch (error) {
      const isAnswer =
        isStorageError(error, 'NAME_INVALID', 'NOT_FOUND') || isCode(error, 'ENOENT');
      if (!isAnswer) throw error;
    }
  }

  /** The whole content. Undefined for what is no small file directly in an allowed folder. */
  async read(handle: string): Promise<Uint8Array | undefined> {
    const slash = handle.lastIndexOf('/');
    const folder = this.folders.get(handle.slice(0, slash));
    if (folder === undefined) return undefined;
    // No link is followed. O_NONBLOCK, because opening a named pipe would wait for a writer.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    try {
      const file = await open(path.join(folder, handle.slice(slash + 1)), flags);
      try {
        const looked = await file.stat();
        if (!looked.isFile() || looked.size > MOST_BYTES) return undefined;
        // One byte more than it should have shows whether it grew meanwhile.
        const content = Buffer.allocUnsafe(looked.size + 1);
        const { bytesRead } = await file.read(content, 0, content.length, 0);
        return bytesRead === looked.size ? content.subarray(0, bytesRead) : undefined;
      } finally {
        await file.close();
      }
    } catch (error) {
      if (isCode(error, 'ELOOP')) return undefined;
      throw error;
    }
  }
}
