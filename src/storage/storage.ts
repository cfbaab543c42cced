/**
 * What a place for backups must be able to do. Handles are `<folder>/<name>`, as they stand in
 * manifests and metadata lines. All methods throw StorageError; with a signal, its reason.
 */
export interface BackupStorage {
  /** For messages, e.g. "local folder /backups". */
  readonly description: string;
  /**
   * Makes a new storage, unless it is there. Nothing else does: one that has gone while somebody
   * writes is away, and must not be made anew.
   */
  begin(signal?: AbortSignal): Promise<void>;
  /**
   * Makes room for a backup; one that is there is fine. Returns the folder's handle.
   * @throws StorageError STORAGE_MISSING when the storage itself is not there
   */
  createBackup(name: string, signal?: AbortSignal): Promise<string>;
  /**
   * Begins a file that nobody sees before it is published, in a folder that `createBackup` made.
   * @throws StorageError STORAGE_MISSING when somebody took the folder away
   */
  createFile(folder: string, name: string, signal?: AbortSignal): Promise<FileWriter>;
  /** The content of a file in parts. @throws StorageError NOT_FOUND */
  read(handle: string, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** The content of a small file. @throws StorageError NOT_FOUND, TOO_LARGE */
  readAll(handle: string, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array>;
  /** Bytes of a file; undefined when there is none. */
  size(handle: string, signal?: AbortSignal): Promise<bigint | undefined>;
  /** What the store itself says about a file; it changes whenever the content may have changed. */
  stamp(handle: string, signal?: AbortSignal): Promise<string | undefined>;
  /**
   * Handles of everything below a folder, or of all folders at the top, in no order; empty for one
   * that is not there. Files on their way are left out. `progress` is called while it gets on: in a
   * full folder it may take long.
   */
  listFolder(
    folder: string,
    signal?: AbortSignal,
    progress?: () => void,
  ): Promise<{ handle: string; bytes: bigint }[]>;
  listFolders(signal?: AbortSignal): Promise<string[]>;
  /**
   * Unix milliseconds of the last change of anything in a folder, also of files on their way;
   * undefined for one that is not there. By the store's clock, which may differ from ours.
   * `progress` as above.
   */
  lastChange(
    folder: string,
    signal?: AbortSignal,
    progress?: () => void,
  ): Promise<number | undefined>;
  /** Removes a file or a whole folder, which may be gone already; nothing of the metadata. @throws StorageError NAME_INVALID */
  removeFile(handle: string, signal?: AbortSignal): Promise<void>;
  removeFolder(folder: string, signal?: AbortSignal): Promise<void>;
  /**
   * Removes from a folder what abandoned writers left on its way, or all that is on its way, which
   * its writers then cannot publish. `left`: what may be on its way still.
   */
  removeLeftovers(
    folder: string,
    signal?: AbortSignal,
    whose?: 'abandoned' | 'all',
  ): Promise<{ removed: number; left: number }>;
  /**
   * Adds a metadata file, whole or not at all. One of that name with the same content is fine.
   * @throws StorageError EXISTS_DIFFERENT
   */
  saveMetadata(
    name: string,
    content: Uint8Array,
    signal?: AbortSignal,
  ): Promise<{ handle: string; outcome: 'created' | 'same' }>;
  /**
   * Handles of all metadata files, in no order; empty for a storage without any.
   * @throws StorageError STORAGE_MISSING when the storage itself is not there
   */
  listMetadata(signal?: AbortSignal): Promise<string[]>;
  /** Moves a metadata file out of the listing, into `metadata_backup`. */
  retireMetadata(handle: string, signal?: AbortSignal): Promise<void>;
}

/** A file on its way into a storage. */
export interface FileWriter {
  readonly handle: string;
  /** Resolves when the bytes were taken over; they may be reused then. */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Makes the file visible, whole and durable. `exists`: there is one of that name already and
   * nothing was changed; the writer can then still be discarded, or published with `replace`.
   */
  publish(options?: { replace?: boolean }): Promise<'created' | 'exists'>;
  /** Forgets the file. May be called at any time, also after publishing. */
  discard(): Promise<void>;
}
