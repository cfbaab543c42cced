import type {
  Files,
  FileStat,
  FileWriter,
  ListedFile,
  StampedFile,
  StorageBackend,
} from './backend.js';
import { storageDeadlineMs, withDeadlines } from './deadlines.js';
import { withEncoding } from './encoding.js';
import { METADATA, RESERVED, RETIRED, requireHandle, requireName } from './handles.js';
import { isGzip } from './looks.js';
import { MetadataLooks, listMetadata } from './metadata-looks.js';
import { ifAllowed } from './if-allowed.js';
import { StorageError, isStorageError } from './storage-error.js';
import { wholeOf } from './whole.js';

/**
 * A place for backups, on any backend. It adds deadlines, decodes gzip'd files, and knows folders of
 * backups and metadata. Handles are `<folder>/<name>`, as in manifests and metadata lines. All methods
 * throw StorageError; after an abort, the signal's reason.
 */
export class BackupStorage {
  private readonly files: Files;
  /** `files` with their encoding removed. */
  private readonly decoded: Pick<Files, 'create' | 'read'>;

  constructor(
    private readonly backend: StorageBackend,
    private readonly signal?: AbortSignal,
    private readonly looks = new MetadataLooks(),
  ) {
    this.files = withDeadlines(backend, storageDeadlineMs(), signal);
    this.decoded = withEncoding(this.files, looks, signal);
  }

  /** The same storage for a job that ends with `signal`. Without a signal: for work that must finish. */
  withSignal(signal: AbortSignal | undefined): BackupStorage {
    return new BackupStorage(this.backend, signal, this.looks);
  }

  /** For messages, e.g. "local folder /backups". */
  get description(): string {
    return this.backend.description;
  }

  /** The short name of the storage (`storageId`). */
  get id(): string {
    return this.backend.id;
  }

  /**
   * Files are read and written by name alone: nothing but metadata is listed, nothing removed for good, and creating
   * a file is no lock. Who needs one of these has to do without.
   */
  get byNameOnly(): boolean {
    return this.backend.byNameOnly === true;
  }

  /** Its metadata is listed by an index of this time (unix milliseconds), because the store lists nothing to us. */
  get indexedAt(): number | undefined {
    return this.backend.indexedAt;
  }

  /**
   * Whether files are stored gzip'd. Then their sizes say nothing of their contents. `perhaps`: there is too much
   * metadata to look at all of it, and none of a large sample was.
   */
  hasGzip(): Promise<boolean | 'perhaps'> {
    return this.looks.hasGzip(this.files);
  }

  /**
   * Makes a new storage, if the place is fit for one. No other operation makes one.
   * @throws StorageError STORAGE_UNFIT, and leaves nothing behind
   */
  async begin(): Promise<void> {
    await this.files.begin();
    await this.files.makeFolder(METADATA);
  }

  /**
   * Tests, once for each process, whether the place can do what keeps files safe. Call it before the
   * first write of a process. Leaves nothing behind.
   * @throws StorageError STORAGE_UNFIT naming what it lacks
   */
  requireFit(): Promise<void> {
    return this.files.probe();
  }

  /**
   * Makes the folder of a backup; an existing one is fine. Returns the folder's handle.
   * @throws StorageError STORAGE_MISSING when the storage itself does not exist
   */
  async createBackup(name: string): Promise<string> {
    requireName(name);
    await this.looks.added(this.files); // before the first file of a backup, of whatever kind
    await this.files.makeFolder(name);
    return name;
  }

  /**
   * Starts a file that nobody sees before it is published, in a folder that `createBackup` made.
   * @throws StorageError FOLDER_GONE when somebody removed the folder; ENCODING_UNKNOWN
   */
  async createFile(folder: string, name: string): Promise<FileWriter> {
    requireHandle(folder);
    requireName(name);
    return this.decoded.create(`${folder}/${name}`);
  }

  /** The content of a file in parts. @throws StorageError NOT_FOUND, DAMAGED */
  async *read(handle: string): AsyncGenerator<Uint8Array> {
    this.signal?.throwIfAborted();
    requireHandle(handle);
    yield* this.decoded.read(handle);
  }

  /** The content of a small file. @throws StorageError NOT_FOUND, TOO_LARGE, DAMAGED */
  async readAll(handle: string, maxBytes: number): Promise<Uint8Array> {
    return wholeOf(this.read(handle), { handle, maxBytes, place: this.description });
  }

  /** Size and stamp of a file as it is stored; undefined when there is none. */
  async stat(handle: string): Promise<FileStat | undefined> {
    requireHandle(handle);
    return this.files.stat(handle);
  }

  /** Names of all folders at the top, in no order. @throws StorageError STORAGE_MISSING */
  async listFolders(): Promise<string[]> {
    const entries = await this.files.entries('');
    return entries.filter(({ isFolder }) => isFolder).map(({ name }) => name);
  }

  /** All files below a folder, in no order. Unfinished files are left out. Empty for a missing folder. */
  async listFolder(folder: string): Promise<ListedFile[]> {
    requireHandle(folder);
    return this.files.list(folder);
  }

  /**
   * The time by the clock that gives files their times, in Unix milliseconds. It may differ from ours.
   */
  now(): Promise<number> {
    return this.files.now();
  }

  /** When anything in a folder last changed, by the clock of `now`. Undefined for a missing folder. */
  async lastChange(folder: string): Promise<number | undefined> {
    requireHandle(folder);
    return this.files.lastChange(folder);
  }

  /** Removes a file, but never metadata. A missing file is fine. @throws StorageError NAME_INVALID */
  async removeFile(handle: string): Promise<void> {
    requireHandle(handle);
    const [folder = '', name] = handle.split('/');
    if (name === undefined || folder === METADATA || folder === RETIRED) throw kept(handle);
    await this.files.remove(handle);
  }

  /**
   * The same of a file that does no harm when it stays: some storages let nobody delete. Says whether it is gone; an
   * operator is told once when it is not.
   */
  async removeFileIfAllowed(handle: string): Promise<boolean> {
    return ifAllowed(this.description, () => this.removeFile(handle));
  }

  /** Removes the folder of a backup. A missing folder is fine. @throws StorageError NAME_INVALID */
  async removeFolder(folder: string): Promise<void> {
    requireHandle(folder);
    if (RESERVED.has(folder) || folder.includes('/')) throw kept(folder);
    await this.files.removeFolder(folder);
  }

  /** The same of a folder that does no harm when it stays. Says whether it is gone. */
  async removeFolderIfAllowed(folder: string): Promise<boolean> {
    return ifAllowed(this.description, () => this.removeFolder(folder));
  }

  /**
   * Removes from a folder the unfinished files of abandoned writers, or all unfinished files. Their
   * writers can then not publish them. `left`: number of unfinished files that may still be written.
   * `''` is the storage itself, without its folders.
   */
  async removeLeftovers(
    folder: string,
    whose: 'abandoned' | 'all' = 'abandoned',
  ): Promise<{ removed: number; left: number }> {
    if (folder !== '') requireHandle(folder);
    return this.files.removeLeftovers(folder, whose);
  }

  /**
   * Adds a metadata file, whole or not at all. An existing file with the same content is fine.
   * @throws StorageError EXISTS_DIFFERENT, ENCODING_UNKNOWN; FOLDER_GONE when the storage was not begun
   */
  async saveMetadata(
    name: string,
    content: Uint8Array,
  ): Promise<{ handle: string; outcome: 'created' | 'same' }> {
    const file = await this.createFile(METADATA, name);
    const { handle } = file;
    try {
      await file.write(content);
      if ((await file.publish()) === 'created') return { handle, outcome: 'created' };
    } finally {
      await file.discard();
    }
    if (await this.hasContent(handle, content)) return { handle, outcome: 'same' };
    const why = `${handle} is already in ${this.description}, with other content; it was left alone`;
    throw new StorageError('EXISTS_DIFFERENT', handle, why);
  }

  /** Whether a file is there with this content. */
  async hasContent(handle: string, content: Uint8Array): Promise<boolean> {
    try {
      const stored = await this.readAll(handle, Math.max(content.length, 1));
      return Buffer.compare(stored, content) === 0;
    } catch (error) {
      if (isStorageError(error, 'NOT_FOUND', 'TOO_LARGE', 'DAMAGED')) return false;
      throw error;
    }
  }

  /**
   * Handles of all metadata files, in no order. Empty for a storage without any.
   * @throws StorageError STORAGE_MISSING when the storage itself does not exist
   */
  listMetadata(): Promise<string[]> {
    return listMetadata(this.files);
  }

  /**
   * All metadata files with their stamps, in no order, by one listing. Empty for a storage without any.
   * @throws StorageError STORAGE_MISSING when the storage itself does not exist
   */
  async listStampedMetadata(): Promise<StampedFile[]> {
    return (await this.listAllInMetadata()).files;
  }

  /** The same listing, with all else that the stock tool lists there and cannot read: folders, hidden files, pipes. */
  async listAllInMetadata(): Promise<{ files: StampedFile[]; strays: StampedFile[] }> {
    const all = await this.files.stamps(METADATA);
    const strays = all.filter(({ stray }) => stray !== undefined);
    if (strays.length === 0) return { files: all, strays };
    return { files: all.filter(({ stray }) => stray === undefined), strays };
  }

  /** The content of a metadata file. @throws StorageError NOT_FOUND, TOO_LARGE, DAMAGED, NAME_INVALID */
  async readMetadata(handle: string, maxBytes: number): Promise<Uint8Array> {
    this.signal?.throwIfAborted();
    requireHandle(handle);
    const whole = await this.files.readSmall?.(handle);
    if (whole === undefined || isGzip(whole)) return this.readAll(handle, maxBytes);
    return whole;
  }

  /**
   * Moves a metadata file unchanged into `metadata_backup`. It writes the copy first and then removes the
   * original.
   */
  async retireMetadata(handle: string): Promise<void> {
    requireHandle(handle);
    const [folder, name, more] = handle.split('/');
    if (folder !== METADATA || name === undefined || more !== undefined) {
      const why = `${handle} in ${this.description} is not a metadata file; it was left alone`;
      throw new StorageError('NAME_INVALID', handle, why);
    }
    await this.files.makeFolder(RETIRED);
    const copy = await this.files.create(`${RETIRED}/${name}`);
    try {
      for await (const part of this.files.read(handle)) await copy.write(part);
      await copy.publish({ replace: true });
    } finally {
      await copy.discard();
    }
    await this.files.remove(handle);
  }

  /**
   * Tests whether metadata files can be moved away, and moves none.
   * @throws StorageError STORAGE_UNFIT when the storage has no way to do so
   */
  async requireCanRetire(): Promise<void> {
    await this.files.makeFolder(RETIRED);
    const file = await this.files.create(`${RETIRED}/probe.meta`);
    await file.discard();
  }
}

/** The error for files that only people may remove. */
function kept(handle: string): StorageError {
  return new StorageError('NAME_INVALID', handle, `${handle} is never removed`);
}
