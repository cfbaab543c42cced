import type { BackupType, JobSettings, Target } from './job.js';
import type { Lie } from './lies.js';

/** The three streams of a coordinator, in the order in which they are looked at. */
export const STREAMS: readonly BackupType[] = ['epoch_ending', 'state_snapshot', 'transaction'];

/** What a coordinator was told; may be changed while it runs (update `configure`). */
export interface CoordinatorSettings extends JobSettings {
  /** Ranges in flight, in each stream. */
  concurrency: number;
  snapshotInterval: string;
  batchSize: string;
  batchSeconds: number;
}

/** A run of epochs or versions, as it travels: both ends inclusive. */
export interface TextSpan {
  first: string;
  last: string;
}

/** What a storage holds, as far as a coordinator needs to know it. */
export interface Survey {
  /** Short name of the storage, for workflow ids. */
  storageId: string;
  epochs: TextSpan[];
  versions: TextSpan[];
  /** Epochs with a snapshot, newest first; at most the newest hundred, and epoch 0. */
  snapshots: string[];
  /** Version at which the epochs that are covered without a hole end. */
  epochsEndAt?: string;
  /** Metadata lines and manifests that cannot be used; what they should cover counts as missing. */
  damaged: { object: string; why: string }[];
  damagedCount: number;
  /** Metadata files. */
  files?: number;
  /** Which nodes are of another chain, or lied. */
  lies?: Lie[];
}

/** Claims a storage for one coordinator, over all hosts. */
export interface ClaimOrder {
  settings: JobSettings;
  /** It was claimed before: where there is no storage now, none is begun. */
  begun: boolean;
  /** Whether to wait, for an hour at most, until whoever holds it is gone. */
  wait: boolean;
}

/** `heldBy`: who holds the storage, for people. */
export interface ClaimResult {
  heldBy?: string;
  lies?: Lie[];
}

/** What may be removed from a storage, and what must stay though nothing names it. */
export interface TidyOrder {
  settings: JobSettings;
  /** Units that are under way or will be tried again, as `targetKey` names them. */
  working: string[];
  /** Epochs whose snapshots were given up. */
  givenUp: string[];
}

/** What a storage holds that no metadata line names. */
export interface Unreferenced {
  folders: number;
  /** At most twenty of them. `unfinished`: ours, not committed; `foreign`: of somebody else. */
  first: { folder: string; what: 'unfinished' | 'foreign' }[];
  /** Half-written files that may still be written to. */
  files: number;
  /** Folders that were removed just now. */
  removed: number;
  /** Something given up was still being written to: look again in some minutes. */
  again: boolean;
}

/** What the node has, as last seen; with several, the one that is watched. */
export interface NodeView {
  /** With several nodes: the one that is watched. */
  node?: string;
  /** Those that are left for others, until when (unix milliseconds) and why; in heartbeats only. */
  resting?: { node: string; until: number; why: string }[];
  /** Epochs below this one have ended. */
  ended: string;
  version: string;
  /** Unix milliseconds at which this was seen. */
  at: number;
  /** Versions a second, over the last minutes. */
  versionsPerSecond: number;
  /** Oldest transaction that the node, or another one, still has; absent while it has pruned none. */
  oldestVersion?: string;
  /** How many transactions the node keeps, at most; absent likewise. */
  ledgerWindow?: string;
  /** Oldest epoch whose state the node, or another one, still has. */
  oldestSnapshotEpoch?: string;
  /** How many versions the node keeps states for, at most; absent while it has pruned none. */
  stateWindow?: string;
  /** How far the node is from pruning the state of a snapshot that is still to be stored. */
  snapshotLeft?: { epoch: string; versions: string };
  /** Unix milliseconds at which the two edges were looked for. */
  edgesAt?: number;
  /** Nodes that could not be asked for their edges, and since when. */
  unasked?: { nodes: string[]; since: number };
  /** What is wrong with the node at the moment. */
  problem?: string;
}

/** What the watch on a node is to look out for. */
export interface WatchOrder {
  settings: JobSettings;
  /** When it was given, by the time of its workflow (unix milliseconds). */
  at?: number;
  /** Returns when the node has this version, or when epochs below `ended` have ended. */
  version?: string;
  ended?: string;
  /** Returns at this time (unix milliseconds, by the server's clock) whatever happens. */
  until?: number;
  /** Lowest version that is not stored, and the highest that is. */
  need: string;
  stored?: string;
  /** Epoch of a snapshot that is begun or failed, and not stored yet. */
  snapshotDue?: string;
  /** A snapshot in the making: returns when the node prunes it, or will before it is done. */
  snapshot?: { epoch: string; workflowId: string };
  view?: NodeView;
  /** The storage is claimed: keep the claim, and return when it is lost. */
  keepClaim?: true;
}

export interface WatchResult {
  view: NodeView;
  /** The order was given at a time to which the server's clock has still to come. */
  clockSetBack?: true;
  /** Who has the storage now, if we have lost it. */
  claimLost?: string;
  /** Why the snapshot that was watched cannot be finished. */
  snapshotLost?: string;
  lies?: Lie[];
}

/** A unit that could not be backed up, until it is tried again. */
export interface FailedUnit {
  target: Target;
  reason: string;
  code: string;
  attempts: number;
  /** Unix milliseconds. */
  failedAt: number;
  retryAt: number;
}

/** What a coordinator remembers of one stream, also over a continue-as-new. */
export interface StreamMemory {
  paused: boolean;
  failed: FailedUnit[];
  /** Asked for by hand; goes before everything else. */
  requested: Target[];
  lastCommit?: { at: number; what: string; records: string; bytes: number; seconds: number };
  /** Unix milliseconds of the last commit; 0: none yet, the open batch is due at once. */
  batchOpenSince: number;
  /** Unix milliseconds at which somebody asked for whatever there is. */
  askedAt?: number;
  /** Snapshots that were given up because the node was about to prune them, or had. */
  givenUp: string[];
  /** Units committed by this coordinator, and what was in them. */
  committed: number;
  committedRecords?: string;
  committedBytes?: number;
  /** Units that failed, by code. */
  failures?: Record<string, number>;
  /** What failed last; forgotten with the next commit. */
  lastError?: { unit: string; code: string; reason: string; at: number };
  /** Unix milliseconds since when something is there to be stored; absent: nothing is due. */
  dueSince?: number;
}

export interface CoordinatorMemory {
  memory: 1;
  settings: CoordinatorSettings;
  streams: Record<BackupType, StreamMemory>;
  survey?: Survey;
  surveyedAt: number;
  /** The storage was claimed before, so it is there. */
  begun?: boolean;
  unreferenced?: Unreferenced;
  /** Unix milliseconds at which to tidy the storage again. */
  tidyAt?: number;
  node?: NodeView;
  /** Unix milliseconds at which what was known of the node was last dropped, to look at it anew. */
  lookedAnewAt?: number;
  /** The newest lie of each node, of the last day. */
  lies?: Lie[];
  alarms: Alarm[];
  startedAt: number;
  /** Runs before this one: continue-as-new keeps histories short. */
  runs: number;
}

/** Something that a person should know of. Goes away when its cause does. */
export interface Alarm {
  code: string;
  text: string;
  since: number;
}

/** What the heartbeats of waiting for a unit tell of it. */
export interface UnitProgress {
  done: number;
  total: number;
  bytes: number;
  /** Unix milliseconds at which it had more than ever before; absent: not seen yet. */
  advancedAt?: number;
  /** Records a second since somebody looks. */
  rate?: number;
  /** Of its activities that failed and are tried again, the one tried most often. */
  retrying?: { attempt: number; reason: string };
  /** Ranges that failed for good and are carried along. */
  failedRanges: number;
}

export interface StreamStatus {
  state: 'working' | 'waiting' | 'paused' | 'failing';
  waitingFor?: string;
  /** `attempts`: how often this unit was begun, this time included. */
  current?: { target: string; workflowId: string; since: string; attempts: number };
  lastCommit?: { what: string; at: string };
  /** Forgotten with the next commit. */
  lastError?: { unit: string; code: string; reason: string; at: string };
  /** Since when something is there to be stored, or nothing could be begun; absent: nothing is due. */
  dueSince?: string;
  /** Newest epoch or version in storage, and how far that is behind the node. */
  newest?: string;
  lag?: string;
  /** Transactions: at the rate of the chain. Else, and when the chain stands: since it is due. */
  lagSeconds?: number;
  /** How far the node is from pruning what is to be stored next; absent while it prunes nothing. */
  pruneEdge?: PruneEdge;
  /** Records a second of the last unit, and how long the rest takes at that rate. */
  rate?: number;
  etaSeconds?: number;
  holes: TextSpan[];
  /** At most twenty, of `failedCount`. */
  failed: { unit: string; reason: string; code: string; attempts: number; retryAt: string }[];
  failedCount: number;
  /** Units of those with something that no worker survives. */
  quarantined: string[];
  committed: number;
  committedRecords: string;
  committedBytes: number;
  failures: Record<string, number>;
}

/** `next` is a version, or the epoch of a snapshot; `seconds` at the rate of the chain. */
export interface PruneEdge {
  next: string;
  versions: number;
  seconds?: number;
  /** How many versions the node keeps. */
  window: number;
}

/** Answer of the coordinator's `status` query. */
export interface CoordinatorStatus {
  phase: 'starting' | 'following' | 'working' | 'paused' | 'trouble';
  /** The preferred node, and all of them. */
  node: string;
  nodes: string[];
  storage: string;
  network?: string;
  seen?: {
    ended_epochs: string;
    version: string;
    at: string;
    oldest_version?: string;
    /** With several nodes: the one in use, and those that are left for others at the moment. */
    node?: string;
    resting?: { node: string; until: string; why: string }[];
  };
  /** Since when the node is looked at anew, as at the start; kept until the next time. */
  lookedAnewAt?: string;
  concurrency: number;
  streams: Record<BackupType, StreamStatus>;
  alarms: { code: string; text: string; since: string }[];
  startedAt: string;
  /** What no metadata line names: see `Unreferenced`. Absent before the storage was looked through. */
  unreferenced?: Pick<Unreferenced, 'folders' | 'first' | 'files'>;
  runs: number;
  metadataFiles?: number;
}
