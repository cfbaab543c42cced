import type { Call } from '../backend.js';

/** An object as the store lists it. Keys are relative to the storage's prefix: handles. */
export interface StoredObject {
  key: string;
  /** The stored size: compressed, if the file is. */
  bytes: bigint;
  /**
   * The store's own mark of the content (ETag, generation), without blanks. It changes whenever the content may have
   * changed.
   */
  stamp: string;
  /** When it was last written, by the store's clock: unix milliseconds. */
  modified: number;
}

/** One page, or all, of a listing. */
export interface ObjectListing {
  objects: StoredObject[];
  /** With `delimited`: the folders directly below the listed prefix, without the `/` at their end. */
  folders: string[];
}

/** An object that is being written. Nobody sees it before `complete`. */
export interface ObjectUpload {
  /** After `complete`: whether the store has said of all that was sent that it checked a digest. */
  readonly isChecked: boolean;
  /** Resolves when the caller may reuse the bytes. Memory holds a bounded number of parts. */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Makes the whole object visible. With `ifAbsent`, the store itself refuses to replace an object: then the result
   * is `exists`, nothing was changed, and the upload may still be completed without `ifAbsent`.
   * @throws StorageError FOLDER_GONE when somebody ended the upload meanwhile (`abortPending`)
   */
  complete(options: { ifAbsent: boolean }): Promise<'created' | 'exists'>;
  /**
   * Gives the upload up, and removes what the store holds of it. May be called at any time, also after `complete`.
   */
  abort(): Promise<void>;
}

/** An unfinished upload, as the store lists it. */
export interface PendingUpload {
  key: string;
  /** The store's name for it. */
  id: string;
  /** When it was begun, by the store's clock: unix milliseconds. */
  begun: number;
}

/**
 * A bucket. There is one implementation for each vendor, and `ObjectBackend` makes a storage of it. Each operation
 * ends when `call.signal` aborts, and calls `call.progress()` whenever bytes or pages came or went. It throws a
 * StorageError that says what to do.
 */
export interface ObjectStore {
  /** For messages, e.g. "bucket s3://name/prefix". Without secrets. */
  readonly description: string;
  /** Equal for the same storage: scheme, bucket, prefix, and the endpoint if it is not the vendor's. */
  readonly identity: string;
  /** @throws StorageError STORAGE_MISSING when there is no such bucket */
  requireBucket(call: Call): Promise<void>;
  /**
   * Tries what only this vendor's stores may do wrong, with an object of this key. Removes the object.
   * `object-probe.ts` tries the rest. Returns what the store does wrong, as the end of a sentence that begins with
   * "it".
   */
  probe?(key: string, call: Call): Promise<string | undefined>;
  /** The store's clock, as its answers give it: unix milliseconds. */
  now(call: Call): Promise<number>;
  /** Undefined when there is no such object. */
  head(key: string, call: Call): Promise<StoredObject | undefined>;
  /** The content in parts. @throws StorageError NOT_FOUND */
  get(key: string, call: Call): AsyncIterable<Uint8Array>;
  /**
   * Pages of all objects whose key begins with `prefix`. With `delimited`: only objects and folders directly below
   * it. Gives all pages or throws.
   */
  list(prefix: string, options: { delimited: boolean }, call: Call): AsyncIterable<ObjectListing>;
  /** Begins an object; the signal of `call` ends every later step of it. */
  upload(key: string, call: Call): Promise<ObjectUpload>;
  /** Removes an object. Succeeds if it is gone already. @throws StorageError DENIED when we may not */
  remove(key: string, call: Call): Promise<void>;
  /** Unfinished uploads below a prefix. Empty for a store that cannot list them and removes them by itself. */
  pending(prefix: string, call: Call): Promise<PendingUpload[]>;
  /** Ends anybody's upload, so that its writer cannot complete it. Succeeds if it is gone already. */
  abortPending(upload: PendingUpload, call: Call): Promise<void>;
}
