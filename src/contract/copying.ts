import type { TextSpan } from './coordinator-state.js';
import type { BackupType, StorageConfig } from './job.js';
import type { Skipped } from './answers/copy-answers.js';

/** The storages of a copy, and what is trusted about their chain. */
export interface CopySettings {
  from: StorageConfig;
  to: StorageConfig;
  network?: string | undefined;
  trustWaypoints: string[];
  /** The target was copied to before. If it is empty now, do not begin a new one. */
  existingTarget?: true;
}

/** Which backups are asked for. Without any field: all. */
export interface CopyScope {
  versions?: TextSpan;
  epochs?: TextSpan;
  newestSnapshot?: true;
  /** A version, or a time in ISO form. */
  since?: { version: string } | { time: string };
}

/**
 * What the first page has found out. It holds for the whole copy, so that no backup is copied whose epoch endings
 * were stored only later.
 */
export interface CopyFrozen {
  /** The genesis waypoint; absent when nothing in the storage says it. */
  genesis?: string;
  /** The last epoch ending. Absent: there is none. */
  lastEpoch?: string;
  /** Transactions that meet these versions, and snapshots in `states`. Absent: none. */
  transactions?: TextSpan;
  states?: TextSpan;
}

/** A backup that is to be copied. */
export interface CopyUnit {
  type: BackupType;
  /** The metadata file and the line that name it. */
  source: string;
  line: string;
  manifest: string;
  /** Of the manifest. While it is the same, so are all marks of what was copied. */
  sha256: string;
  /** As a verification names it: epochs, versions, or epoch and version of a snapshot. */
  first: string;
  last: string;
  /** How many chunks it has. */
  of: number;
}

/** Chunks `from` to `to - 1` of a backup, which is one of its page. */
export interface CopySlice {
  unit: number;
  from: number;
  to: number;
}

/** What one activity copies. */
export type CopyTask = CopySlice[];

/** Where a page begins: a backup and a chunk of it, or what comes after that backup. */
export interface CopyCursor {
  type: BackupType;
  first: string;
  manifest: string;
  from: number;
  after?: true;
}

export interface CopyPage {
  units: CopyUnit[];
  tasks: CopyTask[];
  frozen: CopyFrozen;
  /** Which epoch endings prove the page: a digest of what metadata says about them. */
  chain: string;
  /** Backups of this page that the target has. */
  there: number;
  skipped: Skipped[];
  /** How many more are skipped. */
  unlisted: number;
  next?: CopyCursor;
}

/** The order in which a copy takes backups: epoch endings before what they prove. */
export const COPY_ORDER: readonly BackupType[] = ['epoch_ending', 'transaction', 'state_snapshot'];

/** What one activity did. */
export interface CopyTaskResult {
  files: number;
  bytes: number;
  /** Files that an earlier attempt has copied. */
  kept: number;
  /** What cannot be copied, by the number of the backup. */
  bad: { unit: number; skipped: Skipped }[];
  /** Backups that were removed from the source meanwhile. */
  gone: number[];
}

/**
 * How the commit of a backup ended. `there`: the target has another backup of the range. `again`: files are missing or
 * changed. `gone`: it was removed from the source.
 */
export type CopyOutcome = 'committed' | 'there' | 'again' | 'gone' | { skipped: Skipped };
