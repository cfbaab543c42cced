import type { ActivityOptions } from '@temporalio/workflow';
import { CHUNK_QUEUE, CONTROL_QUEUE } from '../plan/messages.js';

/**
 * Timeouts and retries of all activities, in one place. Which errors end the retries is decided by
 * the activities, which know the failure and how often it happened (activities/failures.ts); only
 * Temporal's own way to loop for ever is named here.
 */
const NEVER_RETRY = ['PayloadsTooLarge'];

/** One range: minutes of work that heartbeats every few seconds. */
export const rangeOptions: ActivityOptions = {
  taskQueue: CHUNK_QUEUE,
  startToCloseTimeout: '2 hours',
  heartbeatTimeout: '30 seconds',
  retry: {
    initialInterval: '1 second',
    backoffCoefficient: 2,
    maximumInterval: '1 minute',
    nonRetryableErrorTypes: NEVER_RETRY,
  },
};

/**
 * Planning and committing: many small requests, the first time a whole epoch history; perhaps all of a backup
 * read again. Heartbeats tell that it gets on; what timed out would count as a death of its worker.
 */
export const controlOptions: ActivityOptions = {
  taskQueue: CONTROL_QUEUE,
  startToCloseTimeout: '1 day',
  heartbeatTimeout: '30 seconds',
  retry: {
    initialInterval: '1 second',
    backoffCoefficient: 2,
    maximumInterval: '15 seconds',
    nonRetryableErrorTypes: NEVER_RETRY,
  },
};

/** Claiming a storage, and waiting for it: returns by itself within the hour. */
export const claimOptions: ActivityOptions = { ...controlOptions, startToCloseTimeout: '2 hours' };

/** Watching a node: returns by itself within the hour, and is dropped when it is asked anew. */
export const watchOptions: ActivityOptions = {
  ...controlOptions,
  startToCloseTimeout: '2 hours',
  cancellationType: 'TRY_CANCEL',
};

/** Waiting for a unit's workflow, which may take days; heartbeats tell that somebody waits. */
export const unitOptions: ActivityOptions = {
  ...controlOptions,
  startToCloseTimeout: '60 days',
};

/** A last word before a coordinator ends; nothing depends on it. */
export const releaseOptions: ActivityOptions = {
  ...controlOptions,
  scheduleToCloseTimeout: '30 seconds',
};
