import type { ErrorCode } from '../errors/catalogue.js';

/**
 * Names and shapes of the messages that backup workflows answer. They must not change, because people
 * type them into the `temporal` CLI.
 */
export const QUERY_STATUS = 'status';
export const UPDATE_SET_CONCURRENCY = 'setConcurrency';
export const UPDATE_PAUSE = 'pause';
export const UPDATE_RESUME = 'resume';
export const UPDATE_RETRY = 'retry';

/** Of the coordinator only. */
export const UPDATE_BACK_UP_NOW = 'backUpNow';
export const UPDATE_CONFIGURE = 'configure';

/** A coordinator sends it to its running backups, and a backup to its running segment. */
export const SIGNAL_CONTROLS = 'controls';
/** A coordinator sends it to the copy that it keeps: its limits, as in the input of a copy. */
export const SIGNAL_LIMITS = 'limits';

/** A worker process asks the limiter of a node for a share. */
export const UPDATE_TAKE_SHARE = 'takeShare';

/** The memo of what a coordinator starts: the coordinator's workflow id. */
export const COORDINATOR_MEMO = 'coordinator';

export const CONTROL_QUEUE = 'aptos-backup';
export const CHUNK_QUEUE = 'aptos-backup-chunks';
/** The failure code of an attempt whose supervisor saw its worker die. */
export const WORKER_DIED = 'WORKER_DIED' satisfies ErrorCode;
/**
 * The queue of the apart worker: a process of its own that runs one activity at a time, after the
 * activity's other workers died.
 */
export const APART_QUEUE = 'aptos-backup-apart';
/** The failure code that moves an activity to the apart queue. */
export const KILLS_ITS_WORKER = 'KILLS_ITS_WORKER' satisfies ErrorCode;
/** The failure code of an activity that kills the apart worker as well. */
export const QUARANTINED = 'QUARANTINED' satisfies ErrorCode;

/** The failure code of a commit that found ranges to store again. Its details name them. */
export const UNIT_INCOMPLETE = 'UNIT_INCOMPLETE' satisfies ErrorCode;

export const PHASES = ['planning', 'backing up', 'blocked', 'committing', 'done'] as const;
export type Phase = (typeof PHASES)[number];
