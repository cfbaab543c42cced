import { constants, lstat, mkdir, open, readdir, realpath, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { StorageError } from './errors.js';
import { METADATA, RESERVED, RETIRED, requireHandle, requireName } from './handles.js';
import { isCode, localError, localWriteError } from './local-errors.js';
import { LocalFile, syncFolder } from './local-file.js';
import { makeFolders } from './local-folders.js';
import { removeLeftovers } from './local-leftovers.js';
import { lookAt, walk } from './local-walk.js';
import { readWhole } from './read-whole.js';
import type { BackupStorage, FileWriter } from './storage.js';

const READ_BYTES = 1024 * 1024;
/** A buffer of a megabyte for each of many small files would keep the garbage collector busy. */
const LEAST_READ_BYTES = 2048;

/**
 * Backups in a folder of this host (or of a network file system that several hosts mount). Every
 * file is written under a hidden name, synced, moved to its own name, and the folder synced.
 */
export class LocalStorage implements BackupStorage {
  readonly description: string;
  private readonly root: string;
  /** Folders that exist and were tidied by this process. */
  private readonly ready = new Set<string>();

  constructor(root: string) {
    this.root = path.resolve(root);
    this.description = `local folder ${this.root}`;
  }

  async begin(): Promise<void> {
    try {
      await makeFolders(this.root);
    } catch (error) {
      throw localWriteError(error, '', `cannot make the folder ${this.root}`);
    }
  }

  async createBackup(name: string): Promise<string> {
    requireName(name);
    await this.makeFolder(name);
    return name;
  }

  async createFile(folder: string, name: string, signal?: AbortSignal): Promise<FileWriter> {
    requireHandle(folder);
    requireName(name);
    await this.openFolder(folder);
    return LocalFile.create(path.join(this.root, folder), name, `${folder}/${name}`, signal);
  }

  async *read(handle: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    signal?.throwIfAborted();
    const { file, stat } = await this.openForReading(handle);
    try {
      let left = Number(stat.size);
      for (;;) {
        signal?.throwIfAborted();
        const length = Math.min(READ_BYTES, Math.max(left + 1, LEAST_READ_BYTES));
        const { bytesRead, buffer } = await file
          .read(Buffer.allocUnsafe(length), 0, length)
          .catch((error: unknown) => {
            throw localError(error, handle, `cannot read ${handle} in ${this.description}`);
          });
        if (bytesRead === 0) return;
        left -= bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  }

  readAll(handle: string, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array> {
    return readWhole(this, handle, maxBytes, signal);
  }

  async size(handle: string): Promise<bigint | undefined> {
    return (await this.stat(handle))?.size;
  }

  /** The time of the last change of anything, content included, cannot be set back by a program. */
  async stamp(handle: string): Promise<string | undefined> {
    const stat = await this.stat(handle);
    return stat && `${stat.size} ${stat.ino} ${stat.mtimeNs} ${stat.ctimeNs}`;
  }

  async listFolders(): Promise<string[]> {
    await this.requireRoot();
    try {
      const entries = await readdir(this.root, { withFileTypes: true });
      return entries
        .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
        .map((entry) => entry.name);
    } catch (error) {
      if (isCode(error, 'ENOENT', 'ENOTDIR')) return [];
      throw localError(error, '', `cannot list ${this.description}`);
    }
  }

  async listFolder(
    folder: string,
    signal?: AbortSignal,
    progress?: () => void,
  ): Promise<{ handle: string; bytes: bigint }[]> {
    requireHandle(folder);
    const found: { handle: string; bytes: bigint }[] = [];
    try {
      for await (const { handle, stat } of walk(this.root, folder, {
        hidden: false,
        signal,
        progress,
      })) {
        if (!stat.isDirectory()) found.push({ handle, bytes: stat.size });
      }
      return found;
    } catch (error) {
      signal?.throwIfAborted();
      throw localError(error, folder, `cannot list ${folder} in ${this.description}`);
    }
  }

  async lastChange(
    folder: string,
    signal?: AbortSignal,
    progress?: () => void,
  ): Promise<number | undefined> {
    requireHandle(folder);
    try {
      let last = (await lookAt(path.join(this.root, folder)))?.mtimeMs;
      if (last === undefined) return undefined;
      for await (const { stat } of walk(this.root, folder, { hidden: true, signal, progress })) {
        if (stat.mtimeMs > last) last = stat.mtimeMs;
      }
      return Number(last);
    } catch (error) {
      signal?.throwIfAborted();
      throw localError(error, folder, `cannot look at ${folder} in ${this.description}`);
    }
  }

  async removeFile(handle: string): Promise<void> {
    requireHandle(handle);
    const [folder = '', name] = handle.split('/');
    if (name === undefined || folder === METADATA || folder === RETIRED) throw kept(handle);
    try {
      await this.requireInside(folder);
      await rm(path.join(this.root, handle), { force: true });
    } catch (error) {
      if (isGone(error)) return;
      throw localError(error, handle, `cannot remove ${handle} in ${this.description}`);
    }
  }

  async removeFolder(folder: string): Promise<void> {
    requireHandle(folder);
    if (RESERVED.has(folder) || folder.includes('/')) throw kept(folder);
    try {
      await this.requireInside(folder);
      await rm(path.join(this.root, folder), { recursive: true, force: true });
      await syncFolder(this.root);
    } catch (error) {
      if (isGone(error)) return;
      throw localError(error, folder, `cannot remove ${folder} in ${this.description}`);
    }
    this.ready.delete(folder);
  }

  async removeLeftovers(
    folder: string,
    _signal?: AbortSignal,
    whose: 'abandoned' | 'all' = 'abandoned',
  ): Promise<{ removed: number; left: number }> {
    requireHandle(folder);
    try {
      await this.requireInside(folder);
      return await removeLeftovers(path.join(this.root, folder), whose);
    } catch (error) {
      if (isGone(error)) return { removed: 0, left: 0 };
      throw localError(error, folder, `cannot tidy ${folder} in ${this.description}`);
    }
  }

  async saveMetadata(
    name: string,
    content: Uint8Array,
    signal?: AbortSignal,
  ): Promise<{ handle: string; outcome: 'created' | 'same' }> {
    const handle = `${METADATA}/${name}`;
    if (!this.ready.has(METADATA)) await this.makeFolder(METADATA);
    const file = await this.createFile(METADATA, name, signal);
    try {
      await file.write(content);
      if ((await file.publish()) === 'created') return { handle, outcome: 'created' };
    } finally {
      await file.discard();
    }
    const limit = Math.max(content.length, 1);
    const stored = await this.readAll(handle, limit).catch((error: unknown) => {
      if (error instanceof StorageError && error.code === 'TOO_LARGE') return undefined;
      throw error;
    });
    if (stored && Buffer.compare(stored, content) === 0) return { handle, outcome: 'same' };
    const why = `${handle} is already in ${this.description}, with other content; it was left alone`;
    throw new StorageError('EXISTS_DIFFERENT', handle, why, false);
  }

  async listMetadata(): Promise<string[]> {
    await this.requireRoot();
    try {
      const entries = await readdir(path.join(this.root, METADATA), { withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
        .map((entry) => `${METADATA}/${entry.name}`);
    } catch (error) {
      if (isCode(error, 'ENOENT')) return [];
      throw localError(error, METADATA, `cannot list ${METADATA} in ${this.description}`);
    }
  }

  async retireMetadata(handle: string): Promise<void> {
    requireHandle(handle);
    const name = path.basename(handle);
    if (handle !== `${METADATA}/${name}`) {
      const why = `${handle} in ${this.description} is not a metadata file; it was left alone`;
      throw new StorageError('NAME_INVALID', handle, why, false);
    }
    const from = path.join(this.root, handle);
    const to = path.join(this.root, RETIRED, name);
    await this.makeFolder(RETIRED);
    try {
      await rename(from, to);
      await syncFolder(path.dirname(to));
      await syncFolder(path.dirname(from));
    } catch (error) {
      throw localError(error, handle, `cannot move ${handle} in ${this.description}`);
    }
  }

  private async stat(handle: string) {
    try {
      const { file, stat } = await this.openForReading(handle);
      await file.close();
      return stat;
    } catch (error) {
      if (error instanceof StorageError && error.code === 'NOT_FOUND') return undefined;
      throw error;
    }
  }

  private async openForReading(handle: string) {
    requireHandle(handle);
    await this.requireInside(handle);
    try {
      // O_NONBLOCK: opening a named pipe would wait for its writer.
      const flags = constants.O_RDONLY | constants.O_NONBLOCK;
      const file = await open(path.join(this.root, handle), flags);
      const stat = await file.stat({ bigint: true });
      if (stat.isFile()) return { file, stat };
      await file.close();
    } catch (error) {
      throw localError(error, handle, `cannot read ${handle} in ${this.description}`);
    }
    const why = `${handle} in ${this.description} is not a file`;
    throw new StorageError('NOT_FOUND', handle, why, false);
  }

  /** Symbolic links may not lead out of the root. */
  private async requireInside(handle: string): Promise<void> {
    try {
      const [root, target] = await Promise.all([
        realpath(this.root),
        realpath(path.join(this.root, handle)),
      ]);
      if (target.startsWith(root + path.sep)) return;
    } catch (error) {
      throw localError(error, handle, `cannot read ${handle} in ${this.description}`);
    }
    const why = `${handle} in ${this.description} is a link that leads out of it; it was not followed`;
    throw new StorageError('NAME_INVALID', handle, why, false);
  }

  private async requireRoot(): Promise<void> {
    try {
      if ((await lstat(this.root)).isDirectory() || (await realpath(this.root))) return;
    } catch (error) {
      if (!isCode(error, 'ENOENT')) {
        throw localError(error, '', `cannot open ${this.description}`);
      }
    }
    const why = `${this.description} is not there; check the path (the first backup creates it)`;
    throw new StorageError('STORAGE_MISSING', '', why, false);
  }

  /** Makes a folder at the top, durably. */
  private async makeFolder(folder: string): Promise<void> {
    const full = path.join(this.root, folder);
    try {
      await mkdir(full);
      await syncFolder(this.root);
    } catch (error) {
      if (!isCode(error, 'EEXIST'))
        throw localWriteError(error, folder, `cannot make the folder ${full}`);
    }
    await this.openFolder(folder);
  }

  /**
   * Before the first write into a folder: removes from it what dead processes left. It has to be
   * there: one that has gone means that somebody removed it, or that the storage is not mounted.
   */
  private async openFolder(folder: string): Promise<void> {
    if (this.ready.has(folder)) return;
    const full = path.join(this.root, folder);
    try {
      const [root, actual] = await Promise.all([realpath(this.root), realpath(full)]);
      if (!actual.startsWith(root + path.sep)) {
        const why = `${folder} in ${this.description} is a link that leads out of it; nothing was written`;
        throw new StorageError('NAME_INVALID', folder, why, false);
      }
      await removeLeftovers(full, 'abandoned');
    } catch (error) {
      throw localWriteError(error, folder, `cannot write into ${full}`);
    }
    this.ready.add(folder);
  }
}

/** What only people may take away. */
function kept(handle: string): StorageError {
  return new StorageError('NAME_INVALID', handle, `${handle} is never removed`, false);
}

function isGone(error: unknown): boolean {
  if (error instanceof StorageError) return error.code === 'NOT_FOUND';
  return isCode(error, 'ENOENT');
}
