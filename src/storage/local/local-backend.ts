import { constants, mkdir, open, readdir, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { StorageError, isStorageError } from '../storage-error.js';
import { digestId } from '../storage-id.js';
import { isCode, localError, localWriteError, mayPass } from './local-errors.js';
import { storeNow } from './local-clock.js';
import { LocalFile } from './local-file.js';
import { makeFolders } from './local-folders.js';
import { removeLeftovers } from './local-leftovers.js';
import { requireFit } from './local-probe.js';
import { LocalRoot } from './local-root.js';
import { SmallFiles } from './local-small.js';
import { readSteadily, stampsIn } from './local-stamps.js';
import { syncFolder } from './local-sync.js';
import { lookAt, walk } from './local-walk.js';
import type {
  Call,
  Entry,
  FileStat,
  FileWriter,
  ListedFile,
  StampedFile,
  StorageBackend,
} from '../backend.js';

const READ_BYTES = 1024 * 1024;
/** A megabyte buffer for each of many small files would keep the garbage collector busy. */
const LEAST_READ_BYTES = 2048;

/**
 * Files in a folder of this host, or of a network file system that several hosts mount. Each file is
 * written under a hidden name, synced, and moved to its own name; then the folder is synced.
 */
export class LocalBackend implements StorageBackend {
  readonly description: string;
  readonly id: string;
  private readonly root: string;
  private readonly place: LocalRoot;
  private readonly small: SmallFiles;
  /** Folders that exist and that this process has tidied. */
  private readonly ready = new Set<string>();

  constructor(folder: string) {
    this.root = path.resolve(folder);
    this.description = `local folder ${this.root}`;
    this.id = digestId(folder);
    this.place = new LocalRoot(this.root, this.description);
    this.small = new SmallFiles(this.root, this.place);
  }

  async begin(call: Call): Promise<void> {
    this.ready.clear(); // it may be another folder now
    let made: string[] = [];
    try {
      made = await makeFolders(this.root);
      await this.probe(call);
    } catch (error) {
      for (const folder of made) await rmdir(folder).catch(() => undefined);
      throw beginError(error, this.root);
    }
  }

  async probe({ progress }: Call): Promise<void> {
    await requireFit({ folder: this.root, description: this.description }, progress);
  }

  async makeFolder(folder: string): Promise<void> {
    const full = path.join(this.root, folder);
    try {
      await mkdir(full);
      await syncFolder(this.root);
    } catch (error) {
      if (!isCode(error, 'EEXIST'))
        throw await localWriteError(error, folder, `cannot make the folder ${full}`, this.root);
    }
    await this.openFolder(folder);
  }

  async create(handle: string, { signal }: Call): Promise<FileWriter> {
    const folder = path.dirname(handle);
    await this.openFolder(folder);
    const full = path.join(this.root, folder);
    return LocalFile.create(full, path.basename(handle), handle, signal);
  }

  async *read(handle: string, { signal }: Call): AsyncGenerator<Uint8Array> {
    signal.throwIfAborted();
    const { file, stat } = await this.openForReading(handle);
    try {
      let left = Number(stat.size);
      for (;;) {
        signal.throwIfAborted();
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

  /** The stamp uses the time of the last change of anything, because no program can set it back. */
  async stat(handle: string): Promise<FileStat | undefined> {
    try {
      const { file, stat } = await this.openForReading(handle);
      await file.close();
      const { size, mtimeNs, ctimeNs, ino } = stat;
      return { bytes: size, stamp: `${size} ${mtimeNs} ${ctimeNs} ${ino}` };
    } catch (error) {
      if (isStorageError(error, 'NOT_FOUND')) return undefined;
      throw error;
    }
  }

  async entries(folder: string): Promise<Entry[]> {
    await this.place.requireThere();
    const place = path.join(this.root, folder);
    try {
      const found = await readSteadily(place, () => readdir(place, { withFileTypes: true }));
      return found
        .filter(({ name }) => !name.startsWith('.'))
        .map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }));
    } catch (error) {
      const what = folder === '' ? this.description : `${folder} in ${this.description}`;
      throw localError(error, folder, `cannot list ${what}`);
    }
  }

  async list(folder: string, { signal, progress }: Call): Promise<ListedFile[]> {
    const found: ListedFile[] = [];
    try {
      const way = { hidden: false, signal, progress };
      for await (const { handle, stat } of walk(this.root, folder, way)) {
        if (stat.isDirectory()) continue;
        found.push({ handle, bytes: stat.size, modified: Number(stat.mtimeMs) });
      }
      return found;
    } catch (error) {
      signal.throwIfAborted();
      throw localError(error, folder, `cannot list ${folder} in ${this.description}`);
    }
  }

  async stamps(folder: string, call: Call): Promise<StampedFile[]> {
    await this.place.requireThere();
    try {
      await this.small.allow(folder);
      return await stampsIn(path.join(this.root, folder), call);
    } catch (error) {
      call.signal.throwIfAborted();
      throw localError(error, folder, `cannot list ${folder} in ${this.description}`);
    }
  }

  async readSmall(handle: string): Promise<Uint8Array | undefined> {
    try {
      return await this.small.read(handle);
    } catch (error) {
      throw localError(error, handle, `cannot read ${handle} in ${this.description}`);
    }
  }

  /** Syncs the folder, because a crash would otherwise bring the file back. */
  async remove(handle: string): Promise<void> {
    const folder = path.dirname(handle);
    try {
      await this.place.requireInside(folder);
      await rm(path.join(this.root, handle), { force: true });
      await syncFolder(path.join(this.root, folder));
    } catch (error) {
      if (isGone(error)) return;
      throw localError(error, handle, `cannot remove ${handle} in ${this.description}`);
    }
  }

  async removeFolder(folder: string): Promise<void> {
    try {
      await this.place.requireInside(folder);
      await rm(path.join(this.root, folder), { recursive: true, force: true });
      await syncFolder(this.root);
    } catch (error) {
      if (isGone(error)) return;
      throw localError(error, folder, `cannot remove ${folder} in ${this.description}`);
    }
    this.ready.delete(folder);
  }

  async now(): Promise<number> {
    try {
      return await storeNow(this.root);
    } catch (error) {
      throw await localWriteError(error, '', `cannot write to ${this.description}`, this.root);
    }
  }

  async lastChange(folder: string, { signal, progress }: Call): Promise<number | undefined> {
    try {
      let last = (await lookAt(path.join(this.root, folder)))?.mtimeMs;
      if (last === undefined) return undefined;
      for await (const { stat } of walk(this.root, folder, { hidden: true, signal, progress })) {
        if (stat.mtimeMs > last) last = stat.mtimeMs;
      }
      return Number(last);
    } catch (error) {
      signal.throwIfAborted();
      throw localError(error, folder, `cannot look at ${folder} in ${this.description}`);
    }
  }

  async removeLeftovers(
    folder: string,
    whose: 'abandoned' | 'all',
  ): Promise<{ removed: number; left: number }> {
    try {
      if (folder !== '') await this.place.requireInside(folder);
      return await this.tidy(path.join(this.root, folder), whose);
    } catch (error) {
      if (isGone(error)) return { removed: 0, left: 0 };
      throw localError(error, folder, `cannot tidy ${folder} in ${this.description}`);
    }
  }

  private async openForReading(handle: string) {
    await this.place.requireInside(handle);
    try {
      // O_NONBLOCK, because opening a named pipe would wait for a writer.
      const flags = constants.O_RDONLY | constants.O_NONBLOCK;
      const file = await open(path.join(this.root, handle), flags);
      const stat = await file.stat({ bigint: true });
      if (stat.isFile()) return { file, stat };
      await file.close();
    } catch (error) {
      throw localError(error, handle, `cannot read ${handle} in ${this.description}`);
    }
    const why = `${handle} in ${this.description} is not a file`;
    throw new StorageError('NOT_FOUND', handle, why);
  }

  private tidy(full: string, whose: 'abandoned' | 'all') {
    return removeLeftovers(full, whose, () => storeNow(this.root));
  }

  /**
   * Opens a folder for the first write: removes from it what dead processes left. The folder must exist.
   * If it is missing, somebody removed it or the storage is not mounted.
   */
  private async openFolder(folder: string): Promise<void> {
    if (this.ready.has(folder)) return;
    const full = path.join(this.root, folder);
    try {
      await this.place.requireWritable(folder);
      await this.tidy(full, 'abandoned');
    } catch (error) {
      throw await localWriteError(error, folder, `cannot write into ${full}`, this.root);
    }
    this.ready.add(folder);
  }
}

/** The storage does not exist yet. So the error will stay until somebody corrects the path. */
function beginError(error: unknown, folder: string): StorageError {
  const what = `cannot make the folder ${folder}`;
  if (isCode(error, 'ENOENT')) {
    const why = `${what}: no folder can be made there; check the path`;
    return new StorageError('PLACE_UNUSABLE', '', why, { cause: error });
  }
  const { code, message, retryable } = localError(error, '', what);
  const cause = error instanceof StorageError ? error.cause : error;
  const stays = cause !== undefined && !mayPass(cause) && code !== 'FOLDER_GONE';
  const unusable = retryable && (stays || code === 'READ_ONLY');
  return new StorageError(unusable ? 'PLACE_UNUSABLE' : code, '', message, { cause: error });
}

function isGone(error: unknown): boolean {
  if (error instanceof StorageError) return error.code === 'NOT_FOUND';
  return isCode(error, 'ENOENT');
}
