import type { CopyLimits } from './copy-input.js';
import type { JobSettings, StorageConfig } from './job.js';
import type { NodeView } from './coordinator-memory.js';
import { BACKUP_TYPES } from './kinds/index.js';
import type { Lie } from './lies.js';

/** The three streams of a coordinator, in the order in which it visits them. */
export const STREAMS = BACKUP_TYPES;

/** The settings of a coordinator. The update `configure` changes them while it runs. */
export interface CoordinatorSettings extends JobSettings {
  /** Ranges in flight, in each stream. */
  concurrency: number;
  snapshotInterval: string;
  batchSize: string;
  batchSeconds: number;
  /** Compact the metadata when more than this many of its files are not compacted; 0 or absent: never. */
  compactAboveFiles?: number | undefined;
  /** A second storage that is kept in step, and how much may be asked of both for it. */
  copyTo?: StorageConfig;
  copyLimits?: CopyLimits;
}

/** A run of epochs or versions as text; both ends inclusive. */
export interface TextSpan {
  first: string;
  last: string;
}

/** Claims a storage for one coordinator, across all hosts. */
export interface ClaimOrder {
  settings: JobSettings;
  /** The storage was claimed before. If it is missing now, do not begin a new one. */
  begun: boolean;
  /** Whether to wait, an hour at most, until the other holder is gone. */
  wait: boolean;
}

/** `heldBy`: who holds the storage, for people. */
export interface ClaimResult {
  heldBy?: string;
  lies?: Lie[] | undefined;
}

/** What may be removed from a storage, and what must stay although no metadata line names it. */
export interface TidyOrder {
  settings: JobSettings;
  /** Units that run or will be tried again, by their `targetKey`. */
  working: string[];
  /** Units that were given up, likewise. */
  givenUp: string[];
}

/** What the watch on a node waits for. */
export interface WatchOrder {
  settings: JobSettings;
  /** When the order was given, by workflow time; unix milliseconds. */
  at?: number | undefined;
  /** Return when the node has this version, or when the epochs below `ended` have ended. */
  version?: string | undefined;
  ended?: string | undefined;
  /** Return at this time in any case; unix milliseconds by the server's clock. */
  until?: number | undefined;
  /** The lowest version that is not stored, and the highest that is stored. */
  need: string;
  stored?: string | undefined;
  /** Epoch of a snapshot that runs or has failed, and is not stored yet. */
  snapshotDue?: string | undefined;
  /** The running snapshot. Return when the node prunes its state, or will do so before it is finished. */
  snapshot?: { epoch: string; workflowId: string } | undefined;
  view?: NodeView | undefined;
  /** The storage is claimed. Renew the claim, and return when it is lost. */
  keepClaim?: true;
}

export interface WatchResult {
  view: NodeView;
  /** The time of the order lies in the future of the server's clock, so somebody set the clock back. */
  clockSetBack?: true;
  /** Who has the storage now, if this coordinator lost it. */
  claimLost?: string;
  /** Why the watched snapshot cannot be finished. */
  snapshotLost?: string;
  lies?: Lie[] | undefined;
}
