import { type FileHandle, open, rename } from 'node:fs/promises';
import path from 'node:path';
import { localWriteError } from './local-errors.js';
import { removeForSure, temporaryName } from './local-leftovers.js';
import { moveIfAbsent } from './local-move.js';
import { syncFile, syncFolder } from './local-sync.js';
import type { StorageError } from '../storage-error.js';
import type { FileWriter } from '../backend.js';

/** At most so many bytes are written before a sync, so that the last sync is short. */
const SYNC_BYTES = 32 * 1024 * 1024;

/** A file of a local folder. It is written beside its final name and moved there when it is whole. */
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
      throw await localWriteError(error, handle, `cannot write ${path.join(folder, name)}`, folder);
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.signal?.throwIfAborted();
    try {
      let rest = bytes;
      while (rest.length > 0) {
        const { bytesWritten } = await this.file!.write(rest);
        if (bytesWritten === 0) throw new Error('the file system takes no more bytes');
        rest = rest.subarray(bytesWritten);
      }
      this.unsynced += bytes.length;
      if (this.unsynced < SYNC_BYTES) return;
      await syncFile(this.file!, this.handle);
      this.unsynced = 0;
    } catch (error) {
      throw await this.failed(error, 'write');
    }
  }

  async publish(options: { replace?: boolean } = {}): Promise<'created' | 'exists'> {
    this.signal?.throwIfAborted();
    try {
      await this.finishContent();
      this.signal?.throwIfAborted(); // nobody may wait for it any more
      if (options.replace) await rename(this.temporary!, this.target);
      else if (!(await moveIfAbsent(this.temporary!, this.target))) return 'exists';
      this.temporary = undefined;
      await syncFolder(path.dirname(this.target));
      return 'created';
    } catch (error) {
      this.signal?.throwIfAborted();
      throw await this.failed(error, 'publish');
    }
  }

  async discard(): Promise<void> {
    const { file, temporary } = this;
    this.file = undefined;
    this.temporary = undefined;
    await file?.close().catch(() => undefined);
    if (temporary !== undefined) await removeForSure(temporary);
  }

  /** Syncs the content before the file gets its name. */
  private async finishContent(): Promise<void> {
    const { file } = this;
    if (!file) return;
    await syncFile(file, this.handle);
    this.file = undefined;
    await file.close();
  }

  private failed(error: unknown, what: string): Promise<StorageError> {
    const said = `cannot ${what} ${this.target}`;
    return localWriteError(error, this.handle, said, path.dirname(this.target));
  }
}
