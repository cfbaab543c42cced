import { METADATA } from '../handles.js';
import { StorageError, isStorageError } from '../storage-error.js';
import type {
  Call,
  Entry,
  FileStat,
  FileWriter,
  ListedFile,
  StampedFile,
  StorageBackend,
} from '../backend.js';
import { INDEX_FILE, type IndexedFile, namesNothing } from './metadata-index.js';
import type { StoredIndex } from './stored-index.js';

/**
 * A storage that lists nothing to us, with the metadata that an index in it names. All other files are read by their
 * names. Nothing is written. Who may not list often hears "denied" for a file that is not there: so "denied" means
 * "not there", as long as the index itself can be read.
 */
export class IndexedBackend implements StorageBackend {
  readonly description: string;
  readonly id: string;
  readonly byNameOnly = true;
  readonly indexedAt: number;

  constructor(
    private readonly inner: StorageBackend,
    private readonly index: StoredIndex,
  ) {
    this.id = inner.id;
    this.indexedAt = index.at;
    this.description = `${inner.description}, as its index of ${new Date(index.at).toISOString()} shows it`;
  }

  async *read(handle: string, call: Call): AsyncGenerator<Uint8Array> {
    const file = await this.indexed(handle);
    if (file?.content !== undefined) {
      yield Buffer.from(file.content);
      return;
    }
    try {
      yield* this.inner.read(handle, call);
    } catch (error) {
      const isGone = isStorageError(error, 'NOT_FOUND') || (await this.meansNotThere(error, call));
      if (!isGone) throw error;
      if (file && !namesNothing(file.name)) throw this.outdated(handle, error);
      const why = `${handle} is not in ${this.description}, or we may not read it`;
      throw new StorageError('NOT_FOUND', handle, why, { cause: error });
    }
  }

  async stat(handle: string, call: Call): Promise<FileStat | undefined> {
    const content = (await this.indexed(handle))?.content;
    if (content !== undefined) {
      return { bytes: BigInt(Buffer.byteLength(content)), stamp: `indexed ${this.indexedAt}` };
    }
    try {
      return await this.inner.stat(handle, call);
    } catch (error) {
      if (await this.meansNotThere(error, call)) return undefined;
      throw error;
    }
  }

  async entries(folder: string): Promise<Entry[]> {
    if (folder !== METADATA) throw this.lists(folder);
    return [...(await this.index.files()).keys()].map((name) => ({ name, isFolder: false }));
  }

  async list(folder: string): Promise<ListedFile[]> {
    if (folder !== METADATA) throw this.lists(folder);
    return [...(await this.index.files()).values()].map(({ name, bytes, modified }) => {
      return { handle: `${METADATA}/${name}`, bytes: BigInt(bytes), modified };
    });
  }

  /** An index is replaced as a whole, so its time is the stamp of all that it names. */
  async stamps(folder: string): Promise<StampedFile[]> {
    if (folder !== METADATA) throw this.lists(folder);
    return [...(await this.index.files()).values()].map(({ name, bytes }) => {
      return { name, bytes: BigInt(bytes), stamp: `indexed ${this.indexedAt} ${bytes}` };
    });
  }

  lastChange(folder: string): Promise<number | undefined> {
    return Promise.reject(this.lists(folder));
  }

  now(): Promise<number> {
    return Promise.resolve(Date.now());
  }

  begin(): Promise<void> {
    return Promise.reject(this.refused(''));
  }

  probe(): Promise<void> {
    return Promise.reject(this.refused(''));
  }

  makeFolder(folder: string): Promise<void> {
    return Promise.reject(this.refused(folder));
  }

  create(handle: string): Promise<FileWriter> {
    return Promise.reject(this.refused(handle));
  }

  remove(handle: string): Promise<void> {
    return Promise.reject(this.refused(handle));
  }

  removeFolder(folder: string): Promise<void> {
    return Promise.reject(this.refused(folder));
  }

  removeLeftovers(folder: string): Promise<{ removed: number; left: number }> {
    return Promise.reject(this.refused(folder));
  }

  private async indexed(handle: string): Promise<IndexedFile | undefined> {
    const prefix = `${METADATA}/`;
    if (!handle.startsWith(prefix)) return undefined;
    return (await this.index.files()).get(handle.slice(prefix.length));
  }

  private async meansNotThere(error: unknown, call: Call): Promise<boolean> {
    if (!isStorageError(error, 'DENIED')) return false;
    return this.inner.stat(INDEX_FILE, call).then(
      (found) => found !== undefined,
      () => false,
    );
  }

  /** Elsewhere a listing shows where its lines are now. An index cannot, so what they named must not look like nothing. */
  private outdated(handle: string, cause: unknown): StorageError {
    const why = `${handle} is gone, or we may not read it, from ${this.description}: what it named is not known. Publish the index anew with "aptos-backup repository index", with credentials that may list and write`;
    return new StorageError('DAMAGED', handle, why, { cause });
  }

  private lists(folder: string): StorageError {
    const what = folder === '' ? 'its folders' : folder;
    const why = `${this.description}, does not let us list ${what}; give the credentials the right to list`;
    return new StorageError('DENIED', folder, why);
  }

  private refused(handle: string): StorageError {
    const why = `${this.description}, is only read: nothing is written where nothing can be listed; give the credentials the right to list`;
    return new StorageError('DENIED', handle, why);
  }
}
