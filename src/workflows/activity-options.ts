import type { ActivityOptions } from '@temporalio/workflow';
import { CHUNK_QUEUE, CONTROL_QUEUE } from '../contract/messages.js';

/**
 * Timeouts and retries of all activities, in one place. The activities themselves decide which errors end
 * the retries (activities/activity-failure.ts), because they know the failure and how often it happened.
 * Only an error that Temporal itself would retry for ever is named here.
 */
const NEVER_RETRY = ['PayloadsTooLarge'];

/** One range: minutes of work, with a heartbeat every few seconds. */
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

/** Limits of a node may make a range last for hours. So may the wait for a stream. */
export const limitedRange: ActivityOptions = { startToCloseTimeout: '1 day' };

/** A part of a copy: like a range, but limits may make it last for hours. */
export const copyOptions: ActivityOptions = { ...rangeOptions, startToCloseTimeout: '1 day' };

/**
 * Plans and commits. They send many small requests. The first plan fetches the whole epoch history, and a
 * commit may read the whole backup again. Their heartbeats show progress, because a timeout would count
 * as a death of the worker.
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

/** Claims a storage and waits for it. The activity returns by itself within the hour. */
export const claimOptions: ActivityOptions = { ...controlOptions, startToCloseTimeout: '2 hours' };

/**
 * Watches a node. The activity returns by itself within the hour. The coordinator drops it when it wants
 * another watch.
 */
export const watchOptions: ActivityOptions = {
  ...controlOptions,
  startToCloseTimeout: '2 hours',
  // A dropped watch still returns what it saw last, even when the next watch has already started.
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
};

/**
 * Waits for the workflow of a unit, which may take days. Heartbeats show that the activity still waits.
 */
export const unitOptions: ActivityOptions = {
  ...controlOptions,
  startToCloseTimeout: '60 days',
};

/**
 * Restores with the stock tool, which may take days. Its own silence ends it. When workers die, a new attempt
 * begins anew, and not for ever: the tool may be what takes the memory of its host.
 */
export const restoreOptions: ActivityOptions = {
  ...controlOptions,
  startToCloseTimeout: '30 days',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: { ...controlOptions.retry, maximumAttempts: 4 },
};

/** Removes what a drill left. Nothing depends on it. */
export const clearOptions: ActivityOptions = {
  ...controlOptions,
  scheduleToCloseTimeout: '10 minutes',
};

/**
 * Takes care of a storage, which may take hours: it may first have to wait for another one that does.
 */
export const upkeepOptions: ActivityOptions = { ...controlOptions, startToCloseTimeout: '7 days' };

/** Asks a worker which search attributes exist. The worker answers at once and asks nobody else. */
export const attributeOptions: ActivityOptions = {
  taskQueue: CONTROL_QUEUE,
  startToCloseTimeout: '30 seconds',
};

/** Releases the claim before a coordinator ends. Nothing depends on it. */
export const releaseOptions: ActivityOptions = {
  ...controlOptions,
  scheduleToCloseTimeout: '30 seconds',
};
