import type { StorageConfig } from '../../src/contract/job.js';
import { METADATA, OWN_FOLDER } from '../../src/storage/handles.js';
import type { StorageMode, UploadMode } from './plan.js';

/** What shows that a strike had an effect. */
export interface Evidence {
  text: string;
  /** How often it was met. Absent where that cannot be seen. */
  met?: number;
  /** The same by the stage of an upload. */
  stages?: ReadonlyMap<string, number>;
}

/** What another client does to the files of a storage. Handles are `<folder>/<name>`. */
export interface StoredFiles {
  /** Names of the folders at the top, or of the files in a folder. Empty while it is not there. */
  list(folder?: string): Promise<string[]>;
  /** As it is stored; undefined when there is none. */
  read(handle: string): Promise<Buffer | undefined>;
  write(handle: string, bytes: Buffer): Promise<void>;
  remove(handle: string): Promise<void>;
  /** Leaves in a folder what a dead writer leaves. Returns its name. */
  leavePart(folder: string, content: Buffer): Promise<string>;
}

/** Where the backups of a run are, and what can be done to it. */
export interface Place {
  /** As jobs name it. */
  readonly storage: StorageConfig;
  readonly files: StoredFiles;
  /** Faults of the mix that this machine does not allow. */
  readonly impossible: string[];
  /** Whether the storage is there now, and a workflow has begun it (`hasUnits`). */
  there(): Promise<boolean>;
  /** Whether the storage failed at any time since the last call. */
  wasAway(): boolean;
  /** Makes the storage fail for some seconds. */
  strike(mode: StorageMode, seconds: number): Promise<Evidence>;
  /** Makes uploads fail for some seconds. */
  strikeUploads(mode: UploadMode, seconds: number): Promise<Evidence>;
  /** A folder with all its files, decoded. */
  decoded(): Promise<string>;
  /** What was begun and not completed. */
  unfinished(): Promise<string[]>;
  /** `keepAs`: a folder to which the storage is copied. */
  close(keepAs?: string): Promise<void>;
}

/**
 * Whether a unit has a folder in a storage whose top has these names. Before that a workflow may not know
 * yet that the storage was begun, so it rightly begins one that has vanished again. Hidden names are those
 * of the probe of a new storage.
 */
export function hasUnits(top: readonly string[]): boolean {
  return top.some((name) => ![OWN_FOLDER, METADATA].includes(name) && !name.startsWith('.'));
}
