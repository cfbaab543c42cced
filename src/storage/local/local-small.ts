import { close, constants, open, read } from 'node:fs';
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { isStorageError } from '../storage-error.js';
import { isCode } from './local-errors.js';
import type { LocalRoot } from './local-root.js';

/** Larger files are read in parts. */
const MOST_BYTES = 64 * 1024;
const MOST_BUFFERS = 16;
/** No link is followed. O_NONBLOCK, because opening a named pipe would wait for a writer. */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

// For small files, file handles of promises cost as much as the reading.
const openFile = promisify(open);
const readFile = promisify(read);
const closeFile = promisify(close);

/**
 * Reads small files of folders that are known to be inside of the storage. To find that out for each file would take
 * longer than to read it.
 */
export class SmallFiles {
  /** Real paths, by folder. */
  private readonly folders = new Map<string, string>();
  /** Buffers that nobody uses now. */
  private readonly buffers: Buffer[] = [];

  constructor(
    private readonly root: string,
    private readonly place: LocalRoot,
  ) {}

  /** Call it at each listing of a folder. A folder that leads out of the storage is not allowed. */
  async allow(folder: string): Promise<void> {
    try {
      await this.place.requireInside(folder);
      this.folders.set(folder, await realpath(path.join(this.root, folder)));
    } catch (error) {
      this.folders.delete(folder);
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
    try {
      const file = await openFile(path.join(folder, handle.slice(slash + 1)), FLAGS);
      try {
        return await this.content(file);
      } finally {
        await closeFile(file);
      }
    } catch (error) {
      if (isCode(error, 'ELOOP', 'EISDIR', 'ENXIO', 'EAGAIN')) return undefined;
      throw error;
    }
  }

  /** The listing has just shown a file. Asking again what it is would be one step more. */
  private async content(file: number): Promise<Uint8Array | undefined> {
    const buffer = this.buffers.pop() ?? Buffer.allocUnsafeSlow(MOST_BYTES);
    const { bytesRead } = await readFile(file, buffer, 0, MOST_BYTES, 0);
    const content = bytesRead < MOST_BYTES ? Buffer.from(buffer.subarray(0, bytesRead)) : undefined;
    if (this.buffers.length < MOST_BUFFERS) this.buffers.push(buffer);
    return content;
  }
}
