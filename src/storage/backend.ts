/** What each operation gets besides its arguments. */
export interface Call {
  /**
   * When it aborts, nobody waits for the operation any more. The operation stops before its next step and
   * throws the signal's reason.
   */
  signal: AbortSignal;
  /** Call it at each advance of a long operation. The deadline then starts again. */
  progress: () => void;
}

/** What a store was given of a file. Until somebody reads the file, only the store's word says that it has it. */
export interface Sent {
  bytes: bigint;
  /** The store has said of all of it that it checked a digest. */
  isChecked: boolean;
}

/** A file that is being written into a storage. */
export interface FileWriter {
  readonly handle: string;
  /** As of the last `publish` that made the file. Left out by a kind that has looked itself, or need not. */
  readonly sent?: Sent | undefined;
  /** Resolves when the bytes were taken over. The caller may reuse them then. */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Makes the file visible, whole and durable. `exists`: the name is taken and nothing was changed. The
   * writer can then still be discarded, or published with `replace`.
   */
  publish(options?: { replace?: boolean }): Promise<'created' | 'exists'>;
  /** Drops the file. May be called at any time, even after publishing. */
  discard(): Promise<void>;
}

export interface FileStat {
  /** Size of the file as it is stored. */
  bytes: bigint;
  /**
   * What the store says about the file. It changes whenever the content may have changed. If the store
   * numbers its files, the number comes last, after a blank (`withoutInode`).
   */
  stamp: string;
}

/** A file or folder directly in a folder. */
export interface Entry {
  name: string;
  isFolder: boolean;
}

export interface ListedFile {
  handle: string;
  /** Size of the file as it is stored. */
  bytes: bigint;
  /** When it was last written, by the store's clock: unix milliseconds. Absent where a store does not say it. */
  modified?: number | undefined;
}

/** A file directly in a folder, as one listing shows it. */
export interface StampedFile {
  name: string;
  /** Size of the file as it is stored. Undefined where a listing tells names alone. */
  bytes: bigint | undefined;
  /**
   * Equal in two listings: the content is the same. It is not the stamp of `stat`. '' where a listing tells names
   * alone, and a file never changes under its name. Undefined: nobody can tell yet, so the file has to be read.
   */
  stamp: string | undefined;
  /** What it is instead of a file for backups, such as a folder. We leave it out; the stock tool does not. */
  stray?: string;
}

/**
 * A place for files: the contract that each kind of storage implements. It knows nothing of backups.
 * Handles are `<folder>/<name>` and are checked before: relative, no way upwards, nothing hidden. Every
 * failure is a StorageError that says what to do. Deadlines, encoding and everything about backups are
 * written once, around it (`storage.ts`).
 */
export interface StorageBackend {
  /** For messages, e.g. "local folder /backups". Without secrets. */
  readonly description: string;
  /**
   * Eight hex digits, a part of workflow ids (`digestId`). Everybody who names the storage in the same
   * way gets the same id.
   */
  readonly id: string;
  /** How the files of a new storage are stored; plain when this is left out. An old one goes on as its metadata shows. */
  readonly defaultEncoding?: 'plain' | 'gzip' | undefined;
  /** How hard gzip tries, 1 to 9; 6 when this is left out, as `gzip` does by itself. */
  readonly gzipLevel?: number | undefined;
  /**
   * True for a kind that reads and writes files by name alone: it lists nothing but metadata, removes no file for
   * good, and `publish` without `replace` is no lock: of two who race, both may be told `created`.
   */
  readonly byNameOnly?: boolean | undefined;
  /** Its metadata is listed by an index of this time (unix milliseconds), and it is only read. */
  readonly indexedAt?: number | undefined;
  /**
   * Makes a new storage, if the place is fit for one. No other operation makes one: a storage that
   * vanishes during a write is away, and must not be made anew.
   * @throws StorageError STORAGE_UNFIT, and leaves nothing behind
   */
  begin(call: Call): Promise<void>;
  /**
   * Tests, once for each process, whether the place can do what keeps files safe. Leaves nothing behind.
   * @throws StorageError STORAGE_UNFIT naming what it lacks
   */
  probe(call: Call): Promise<void>;
  /**
   * Makes a folder at the top; an existing one is fine. A store without folders only checks that the
   * storage itself exists.
   * @throws StorageError STORAGE_MISSING when it does not
   */
  makeFolder(folder: string, call: Call): Promise<void>;
  /**
   * Starts a file that nobody sees before it is published. The signal of `call` ends all later steps of
   * it.
   * @throws StorageError FOLDER_GONE when its folder was never made, or somebody removed it
   */
  create(handle: string, call: Call): Promise<FileWriter>;
  /** The content of a file in parts. @throws StorageError NOT_FOUND */
  read(handle: string, call: Call): AsyncIterable<Uint8Array>;
  /** Undefined when there is no such file. */
  stat(handle: string, call: Call): Promise<FileStat | undefined>;
  /**
   * Everything directly in a folder, or at the top ('' as folder), in no order. Lists all of it or
   * throws; hidden entries are left out. Empty for a missing folder.
   * @throws StorageError STORAGE_MISSING when the storage itself does not exist
   */
  entries(folder: string, call: Call): Promise<Entry[]>;
  /** All files below a folder, in no order. Unfinished files are left out. Empty for a missing folder. */
  list(folder: string, call: Call): Promise<ListedFile[]>;
  /**
   * All files directly in a folder, with their stamps, in no order: one listing, for folders of very many files. Lists
   * all of them or throws. Links are listed, too. Empty for a missing folder.
   * @throws StorageError STORAGE_MISSING when the storage itself does not exist
   */
  stamps(folder: string, call: Call): Promise<StampedFile[]>;
  /**
   * The whole content of a small file in a folder that `stamps` listed, in fewer steps than `read` needs. Undefined
   * when only `read` can read it. Left out by a kind for which it would save nothing.
   * @throws StorageError NOT_FOUND
   */
  readSmall?(handle: string, call: Call): Promise<Uint8Array | undefined>;
  /** Removes a file for good. A missing file is fine. */
  remove(handle: string, call: Call): Promise<void>;
  /** Removes a folder with everything in it, unfinished files included. A missing folder is fine. */
  removeFolder(folder: string, call: Call): Promise<void>;
  /**
   * The time by the clock that gives files their times, in Unix milliseconds. It may differ from ours.
   * May write a file for a moment.
   */
  now(call: Call): Promise<number>;
  /**
   * When anything in a folder last changed, unfinished files included, by the clock of `now`. Undefined
   * for a missing folder.
   */
  lastChange(folder: string, call: Call): Promise<number | undefined>;
  /**
   * Removes from a folder the unfinished files of abandoned writers, or all unfinished files. Their
   * writers can then not publish them. `left`: number of unfinished files that may still be written.
   * `''` is the storage itself, without its folders.
   */
  removeLeftovers(
    folder: string,
    whose: 'abandoned' | 'all',
    call: Call,
  ): Promise<{ removed: number; left: number }>;
}

/** A backend to whose operations `withDeadlines` passes their `Call`. */
export type Files = {
  [K in keyof StorageBackend]: NonNullable<StorageBackend[K]> extends (
    ...args: [...infer A, Call]
  ) => infer R
    ? (...args: A) => R
    : StorageBackend[K];
};

/** A stamp without the file's number. Some shares give files new numbers at each look. */
export function withoutInode(stamp: string): string {
  const blank = stamp.lastIndexOf(' ');
  return blank < 0 ? stamp : stamp.slice(0, blank);
}
