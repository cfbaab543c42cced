import type { VerifyTotals } from '../plan/verify-totals.js';
import type { CoordinatorStatus } from '../plan/coordinator.js';
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import * as names from '../plan/messages.js';
import type { BackupStatus, SegmentStatus } from '../plan/messages.js';

/** Messages of the backup workflows; docs/architecture.md lists them for people. */
export const statusQuery = defineQuery<BackupStatus>(names.QUERY_STATUS);
export const setConcurrency = defineUpdate<number, [number]>(names.UPDATE_SET_CONCURRENCY);
export const pause = defineUpdate<void>(names.UPDATE_PAUSE);
export const resume = defineUpdate<void>(names.UPDATE_RESUME);
export const retry = defineUpdate<number>(names.UPDATE_RETRY);

/** `LaneControls`, sent by a coordinator to its backups, and by a backup to its segment; or by anybody. */
export const controlsSignal = defineSignal<[unknown]>(names.SIGNAL_CONTROLS);

/** Of a segment. */
export const segmentStatus = defineQuery<SegmentStatus>(names.QUERY_STATUS);

/** Of a verification. */
export const verifyStatus = defineQuery<VerifyTotals & { tasks: number }>(names.QUERY_STATUS);

/** Of the coordinator. Arguments are checked by their validators: anybody may send them. */
export const coordinatorStatus = defineQuery<CoordinatorStatus>(names.QUERY_STATUS);
export const pauseStreams = defineUpdate<string[], [unknown]>(names.UPDATE_PAUSE);
export const resumeStreams = defineUpdate<string[], [unknown]>(names.UPDATE_RESUME);
export const retryUnits = defineUpdate<number, [unknown]>(names.UPDATE_RETRY);
export const backUpNow = defineUpdate<string, [unknown]>(names.UPDATE_BACK_UP_NOW);
export const configure = defineUpdate<string, [unknown]>(names.UPDATE_CONFIGURE);
