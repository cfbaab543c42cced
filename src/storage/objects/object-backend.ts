import { forEachAtOnce } from '../../lib/at-once.js';
import { StorageError, isStorageError } from '../storage-error.js';
import { OWN_FOLDER } from '../handles.js';
import { digestId } from '../storage-id.js';
import type {
  Call,
  Entry,
  FileStat,
  FileWriter,
  ListedFile,
  StampedFile,
  StorageBackend,
} from '../backend.js';
import type { ObjectListing, ObjectStore } from './object-store.js';
import { ObjectFile } from './object-file.js';
import { removeLeftovers } from './object-leftovers.js';
import { ownOnly } from './object-names.js';
import { requireFit } from './object-probe.js';

/**
 * The first file of a storage: it shows that the storage was begun. It is not in `metadata/`, where other tools would
 * read it.
 */
const BEGUN = `${OWN_FOLDER}/begun.json`;
const REMOVES_IN_FLIGHT = 16;

export interface ObjectBackendOptions {
  /** How a new storage is written. @default 'gzip', as the stock tool's adapters for buckets do */
  encoding?: 'plain' | 'gzip' | undefined;
  /** 1 to 9. @default 1: with transactions, higher levels are much slower and save hardly any bytes */
  gzipLevel?: number | undefined;
}

/**
 * A storage in a bucket. A handle is a key below the storage's prefix. A folder exists as long as it has a file. A
 * file is an upload: the store shows it when the upload is completed.
 */
export class ObjectBackend implements StorageBackend {
  readonly description: string;
  readonly id: string;
  readonly defaultEncoding: 'plain' | 'gzip';
  readonly gzipLevel: number;
  /** This process has seen an object of the storage. */
  private isThere = false;

  constructor(
    private readonly store: ObjectStore,
    { encoding = 'gzip', gzipLevel = 1 }: ObjectBackendOptions = {},
  ) {
    this.description = store.description;
    this.id = digestId(store.identity);
    this.defaultEncoding = encoding;
    this.gzipLevel = gzipLevel;
  }

  async begin(call: Call): Promise<void> {
    try {
      await this.store.requireBucket(call);
      await this.probe(call);
      const upload = await this.store.upload(BEGUN, call);
      await upload.write(Buffer.from('{"begun":1}\n'));
      await upload.complete({ ifAbsent: true });
      await upload.abort();
    } catch (error) {
      // DENIED is tried again, in case the rights come back. A storage that was never begun has no rights to come
      // back.
      if (!isStorageError(error, 'DENIED')) throw error;
      throw new StorageError('PLACE_UNUSABLE', '', error.message, { cause: error });
    }
  }

  async probe(call: Call): Promise<void> {
    await requireFit(this.store, call);
  }

  async makeFolder(folder: string, call: Call): Promise<void> {
    await this.requireThere(folder, call);
  }

  async create(handle: string, call: Call): Promise<FileWriter> {
    call.signal.throwIfAborted();
    await this.requireThere(handle, call);
    return new ObjectFile(handle, await this.store.upload(handle, call), call.signal);
  }

  read(handle: string, call: Call): AsyncIterable<Uint8Array> {
    return this.store.get(handle, call);
  }

  async stat(handle: string, call: Call): Promise<FileStat | undefined> {
    const found = await this.store.head(handle, call);
    return found && { bytes: found.bytes, stamp: found.stamp };
  }

  async entries(folder: string, call: Call): Promise<Entry[]> {
    const prefix = folder === '' ? '' : `${folder}/`;
    const found: Entry[] = [];
    for await (const { objects, folders } of this.pages(prefix, { delimited: true }, call)) {
      const name = (key: string) => key.slice(prefix.length);
      found.push(...folders.map((key) => ({ name: name(key), isFolder: true })));
      found.push(...objects.map(({ key }) => ({ name: name(key), isFolder: false })));
    }
    if (found.length > 0) this.isThere = true;
    else if (!(await this.hasAny(call))) throw this.missing();
    return found;
  }

  async list(folder: string, call: Call): Promise<ListedFile[]> {
    const found: ListedFile[] = [];
    for await (const { objects } of this.pages(`${folder}/`, { delimited: false }, call)) {
      found.push(...objects.map(({ key, bytes, modified }) => ({ handle: key, bytes, modified })));
    }
    return found;
  }

  async stamps(folder: string, call: Call): Promise<StampedFile[]> {
    const prefix = `${folder}/`;
    const found: StampedFile[] = [];
    let hasFolders = false;
    for await (const { objects, folders } of this.pages(prefix, { delimited: true }, call)) {
      hasFolders ||= folders.length > 0;
      for (const { key, bytes, stamp } of objects) {
        const name = key.slice(prefix.length);
        found.push({ name, bytes, stamp: stamp === '' ? undefined : `${bytes} ${stamp}` });
      }
    }
    if (found.length > 0 || hasFolders) this.isThere = true;
    else if (!(await this.hasAny(call))) throw this.missing();
    return found;
  }

  async remove(handle: string, call: Call): Promise<void> {
    await this.store.remove(handle, call);
  }

  /** Ends unfinished uploads first: they could be completed after the listing. */
  async removeFolder(folder: string, call: Call): Promise<void> {
    const { left } = await removeLeftovers(this.store, `${folder}/`, 'all', call);
    if (left > 0) {
      const why = `${this.description} does not let us end what is on its way into ${folder}, so nothing of it was removed; give the credentials the right to end uploads`;
      throw new StorageError('DENIED', folder, why);
    }
    const keys: string[] = [];
    for await (const { objects } of this.store.list(`${folder}/`, { delimited: false }, call)) {
      keys.push(...objects.map(({ key }) => key));
    }
    await forEachAtOnce(REMOVES_IN_FLIGHT, keys, async (key) => {
      call.signal.throwIfAborted();
      await this.store.remove(key, call);
      call.progress();
    });
    await this.store.remove(`${folder}/`, call); // servers that keep real folders list an empty one
  }

  now(call: Call): Promise<number> {
    return this.store.now(call);
  }

  async lastChange(folder: string, call: Call): Promise<number | undefined> {
    let last: number | undefined;
    const saw = (time: number) => (last = Math.max(last ?? time, time));
    for await (const { objects } of this.pages(`${folder}/`, { delimited: false }, call)) {
      for (const { modified } of objects) saw(modified);
    }
    for (const { begun } of await this.store.pending(`${folder}/`, call)) saw(begun);
    return last;
  }

  removeLeftovers(
    folder: string,
    whose: 'abandoned' | 'all',
    call: Call,
  ): Promise<{ removed: number; left: number }> {
    // Uploads beside the folders are of probes. The next probe ends them.
    if (folder === '') return Promise.resolve({ removed: 0, left: 0 });
    return removeLeftovers(this.store, `${folder}/`, whose, call);
  }

  /** Lists what is below a prefix, without keys that cannot be ours. */
  private async *pages(
    prefix: string,
    options: { delimited: boolean },
    call: Call,
  ): AsyncGenerator<ObjectListing> {
    call.signal.throwIfAborted();
    for await (const page of this.store.list(prefix, options, call)) {
      call.signal.throwIfAborted();
      call.progress();
      yield ownOnly(this.store, page);
    }
  }

  /**
   * Checks before the first write that the storage is still there. A bucket takes any key, so a write would make a
   * lost storage anew.
   */
  private async requireThere(handle: string, call: Call): Promise<void> {
    if (this.isThere || (await this.hasAny(call))) {
      this.isThere = true;
      return;
    }
    const why = `${this.description} holds nothing, so nothing was written; check bucket and prefix, and whether somebody emptied it`;
    throw new StorageError('FOLDER_GONE', handle, why);
  }

  private async hasAny(call: Call): Promise<boolean> {
    for await (const { objects, folders } of this.pages('', { delimited: true }, call)) {
      if (objects.length + folders.length > 0) return true;
    }
    return false;
  }

  private missing(): StorageError {
    const why = `${this.description} holds nothing; check bucket and prefix (the first backup begins the storage)`;
    return new StorageError('STORAGE_MISSING', '', why);
  }
}
