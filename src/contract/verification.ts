import type { JobSettings, StorageConfig } from './job.js';
import type { TextSpan } from './coordinator-state.js';
import type { Proven } from './unit.js';
import type { Unusable } from './unusable.js';
import type { ReadAgain } from './verify-again.js';
import type { Finding, ProvenSpan } from './answers/verify-answers.js';

/** The storage to verify, and what is trusted about its chain. */
export interface VerifySettings {
  storage: StorageConfig;
  network?: string | undefined;
  trustWaypoints: JobSettings['trustWaypoints'];
}

/** What a verification covers. */
export interface VerifyScope {
  startVersion: string;
  /** Versions above are left out. Absent: no limit. */
  endVersion?: string | undefined;
  snapshots: 'newest' | 'every' | 'none';
  snapshotBefore?: string | undefined;
  /** The part with number `part` (1 to `of`) of `of` equal parts. */
  sample?: { part: number; of: number };
  /** This percentage of the backups: those that were read longest ago. */
  percent?: number;
  /**
   * Which backups belong to that share. It is fixed when the verification starts (unix milliseconds): all
   * up to this one, ordered by when they were last read. With `chance`, the share is random, because the
   * storage cannot keep those times.
   */
  share?: { begunAt: number; upTo?: { key: number; manifest: string }; chance?: boolean };
  /** Also read files that were proven before and are unchanged. */
  again: boolean;
}

/** Chunks `from` to `to - 1` of one stored backup. */
export interface UnitSlice {
  source: string;
  manifest: string;
  /** What the metadata line says. */
  first: string;
  last: string;
  from: number;
  to: number;
  of: number;
}

export type VerifyTask =
  | { kind: 'epoch_endings' }
  | { kind: 'transactions'; slices: UnitSlice[]; records?: number }
  | { kind: 'state_snapshot'; slice: UnitSlice; records?: number };

/** A page of tasks, and where the next page begins. Without `next` it is the last page. */
export interface VerifyPage {
  tasks: VerifyTask[];
  /** Limits that keep out what is stored after the verification started. */
  frozen: Pick<VerifyScope, 'endVersion' | 'snapshotBefore' | 'share'>;
  next?: VerifyCursor;
  /** On the first page: about how many records the scope has. */
  total?: number;
}

/** Where a page begins: a unit (its kind, first record and manifest), and a chunk in it. */
export interface VerifyCursor {
  kind: VerifyTask['kind'];
  first: string;
  manifest: string;
  from: number;
  /** Number of chunks of that unit. */
  of?: number;
}

/** How a verification ended. */
export interface VerifyEnding {
  /** Unix milliseconds. */
  begunAt: number;
  frozen: VerifyPage['frozen'];
  /** Which budget was spent before everything was read, and where the next page would have begun. */
  stopped?: { by: 'bytes' | 'seconds'; at: VerifyCursor };
}

/** A run of verified transactions that follow each other. */
export interface Piece {
  first: string;
  last: string;
  inFrontier: string;
  outFrontier: string;
  proven: Proven;
  /** The first and the last chunk file of the run. */
  head: string;
  tail: string;
}

export interface TaskResult {
  findings: Finding[];
  /** Number of all findings; `findings` lists the first. */
  findingCount: number;
  pieces: Piece[];
  snapshot?: {
    epoch: string;
    version: string;
    manifest: string;
    proven: Proven;
    chunks: number;
    of: number;
    /** Items proven in these chunks, and items of the whole snapshot. */
    items: string;
    ofItems: string;
  };
  epochs?: {
    runs: EpochRun[];
    confirmed: boolean;
    genesis?: string;
    /** The version at which the last of them ends. */
    endAt?: string;
    /** The highest trusted waypoint, if it lies above that version. */
    awaits?: string;
  };
  /** What this task read and found unusable. */
  unusable?: Partial<Unusable>;
  /** Files that were read again although they were read before, by reason. */
  readAgain?: ReadAgain;
  /** The newest epoch in a ledger info over transactions. All epochs before it must have ended. */
  ledgerEpoch?: string;
  records: string;
  bytes: number;
  objects: number;
  /** Number of objects that were proven before and are unchanged. */
  skipped: number;
}

/** A run of stored epoch endings that are proven in the same way. */
export interface EpochRun extends ProvenSpan {
  /**
   * Of unsigned history: the versions at which its first and last epoch end, and the file in which it
   * begins.
   */
  unsigned?: TextSpan & { object: string };
}
