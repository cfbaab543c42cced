import type { Lie } from './lies.js';

/**
 * Names and shapes of the messages a backup workflow answers; stable, because people type them
 * into the `temporal` CLI.
 */
export const QUERY_STATUS = 'status';
export const UPDATE_SET_CONCURRENCY = 'setConcurrency';
export const UPDATE_PAUSE = 'pause';
export const UPDATE_RESUME = 'resume';
export const UPDATE_RETRY = 'retry';

/** Of the coordinator alone. */
export const UPDATE_BACK_UP_NOW = 'backUpNow';
export const UPDATE_CONFIGURE = 'configure';

/** From a coordinator to its running backups, and from a backup to its running segment. */
export const SIGNAL_CONTROLS = 'controls';

export const CONTROL_QUEUE = 'aptos-backup';
export const CHUNK_QUEUE = 'aptos-backup-chunks';
/** An attempt whose supervisor saw its worker die. */
export const WORKER_DIED = 'WORKER_DIED';
/** One activity at a time in a process of its own: what its worker died of several times. */
export const APART_QUEUE = 'aptos-backup-apart';
/** Type of the failure that moves an activity from its queue to the one apart. */
export const KILLS_ITS_WORKER = 'KILLS_ITS_WORKER';
/** Type of the failure of what kills its worker apart as well. */
export const QUARANTINED = 'QUARANTINED';

/** Type of the failure of a commit that found ranges to be stored again; its details name them. */
export const UNIT_INCOMPLETE = 'UNIT_INCOMPLETE';

export const PHASES = ['planning', 'backing up', 'blocked', 'committing', 'done'] as const;
export type Phase = (typeof PHASES)[number];

export interface FailedRange {
  range: string;
  reason: string;
  /** It kills every worker, also alone: it is only ever tried apart. */
  quarantined?: true;
}

export interface Totals {
  ranges: number;
  records: string;
  chunks: number;
  bytes: number;
  reused: number;
  /** Which nodes lied while the ranges were done, by another attempt or with another node. */
  lies?: Lie[];
}

/** Answer of the `status` query of a backup workflow. */
export interface BackupStatus {
  target: string;
  phase: Phase;
  waitingFor?: string;
  folder?: string;
  rangesTotal: number;
  recordsTotal: string;
  done: Totals;
  concurrency: number;
  paused: boolean;
  failed: FailedRange[];
  /** Workflow id of the running segment; its own `status` has what `done` lacks. */
  segment?: string;
}

/** Answer of the `status` query of a segment. */
export interface SegmentStatus {
  done: Totals;
  failed: FailedRange[];
}
