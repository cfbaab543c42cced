import { type FileHandle, link, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { isCode, localWriteError } from './local-errors.js';
import { removeForSure, temporaryName } from './local-leftovers.js';
import type { FileWriter } from './storage.js';

/** So much is written at most before the disk is waited for: what is left at the end takes moments. */
const SYNC_BYTES = 32 * 1024 * 1024;

/** A file of a local folder that is written beside its final name and moved there when whole. */
export class LocalFile implements FileWriter {
  private temporary: string | undefined;
  private unsynced = 0;

  private constructor(
    readonly handle: string,
    private readonly target: string,
    temporary: string,
    private file: FileHandle | undefined,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.temporary = temporary;
  }

  static async create(
    folder: string,
    name: string,
    handle: string,
    signal?: AbortSignal,
  ): Promise<LocalFile> {
    signal?.throwIfAborted();
    const temporary = path.join(folder, temporaryName());
    try {
      const file = await open(temporary, 'wx');
      return new LocalFile(handle, path.join(folder, name), temporary, file, signal);
    } catch (error) {
      throw localWriteError(error, handle, `cannot write ${path.join(folder, name)}`);
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.signal?.throwIfAborted();
    try {
      let rest = bytes;
      while (rest.length > 0) {
        const { bytesWritten } = await this.file!.write(rest);
        rest = rest.subarray(bytesWritten);
      }
      this.unsynced += bytes.length;
      if (this.unsynced < SYNC_BYTES) return;
      await this.file!.datasync();
      this.unsynced = 0;
    } catch (error) {
      throw localWriteError(error, this.handle, `cannot write ${this.target}`);
    }
  }

  async publish(options: { replace?: boolean } = {}): Promise<'created' | 'exists'> {
    this.signal?.throwIfAborted();
    try {
      await this.finishContent();
      this.signal?.throwIfAborted(); // nobody may wait for it any more
      if (options.replace) await rename(this.temporary!, this.target);
      else if (!(await this.moveIfAbsent())) return 'exists';
      this.temporary = undefined;
      await syncFolder(path.dirname(this.target));
      return 'created';
    } catch (error) {
      this.signal?.throwIfAborted();
      throw localWriteError(error, this.handle, `cannot publish ${this.target}`);
    }
  }

  async discard(): Promise<void> {
    const { file, temporary } = this;
    this.file = undefined;
    this.temporary = undefined;
    await file?.close().catch(() => undefined);
    if (temporary !== undefined) await removeForSure(temporary);
  }

  /** The content is on disk before its name is. */
  private async finishContent(): Promise<void> {
    const { file } = this;
    if (!file) return;
    await file.sync();
    this.file = undefined;
    await file.close();
  }

  /** A second name for the file fails when that name is taken; renaming would replace it. */
  private async moveIfAbsent(): Promise<boolean> {
    try {
      await link(this.temporary!, this.target);
    } catch (error) {
      if (isCode(error, 'EEXIST')) return false;
      if (!isCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS')) throw error;
      return this.claimName();
    }
    await rm(this.temporary!);
    return true;
  }

  /** File systems without hard links: an empty file claims the name, which is then replaced. */
  private async claimName(): Promise<boolean> {
    try {
      await (await open(this.target, 'wx')).close();
    } catch (error) {
      if (isCode(error, 'EEXIST')) return false;
      throw error;
    }
    await rename(this.temporary!, this.target);
    return true;
  }
}

/** Makes names durable that were added to a folder. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some network and user-space file systems cannot; their names are as durable as they are.
    if (!isCode(error, 'EINVAL', 'ENOTSUP', 'ENOSYS')) throw error;
  } finally {
    await handle.close();
  }
}
