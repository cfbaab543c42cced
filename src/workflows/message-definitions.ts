import type { DrillStatus } from '../contract/answers/restore-answers.js';
import type { VerifyStatus } from '../contract/answers/verify-answers.js';
import type { CopyStatus } from '../contract/answers/copy-answers.js';
import type { NodeLimiterStatus } from '../contract/answers/limiter-answers.js';
import type { Ask, Grant } from '../contract/share-out.js';
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import * as names from '../contract/messages.js';
import type { CoordinatorStatus } from '../contract/answers/coordinator-answers.js';
import type { Consolidation } from '../contract/answers/consolidation-answers.js';
import type { BackupStatus, SegmentStatus } from '../contract/answers/backup-answers.js';

/** Messages of the backup workflows. docs/temporal.md describes them. */
export const statusQuery = defineQuery<BackupStatus>(names.QUERY_STATUS);
export const setConcurrency = defineUpdate<number, [number]>(names.UPDATE_SET_CONCURRENCY);
export const pause = defineUpdate<void>(names.UPDATE_PAUSE);
export const resume = defineUpdate<void>(names.UPDATE_RESUME);
export const retry = defineUpdate<number>(names.UPDATE_RETRY);

/** Carries `LaneControls`. A coordinator sends it to its backups, a backup to its segment. */
export const controlsSignal = defineSignal<[unknown]>(names.SIGNAL_CONTROLS);

/** The status of a segment. */
export const segmentStatus = defineQuery<SegmentStatus>(names.QUERY_STATUS);

/** What a consolidation has done so far. */
export const consolidateStatus = defineQuery<Consolidation>(names.QUERY_STATUS);

/** The status of a verification. */
export const verifyStatus = defineQuery<VerifyStatus>(names.QUERY_STATUS);

/** The status of a copy. */
export const copyStatus = defineQuery<CopyStatus>(names.QUERY_STATUS);
/** Replaces the limits of a copy: an object with the fields of its input. */
export const limitsSignal = defineSignal<[unknown]>(names.SIGNAL_LIMITS);
/** The status of a drill. */
export const drillStatus = defineQuery<DrillStatus>(names.QUERY_STATUS);

/** Of the limiter of a node. */
export const takeShare = defineUpdate<Grant, [Ask]>(names.UPDATE_TAKE_SHARE);
export const limiterStatus = defineQuery<NodeLimiterStatus>(names.QUERY_STATUS);

/** Messages of the coordinator. Validators check the arguments, because anybody may send them. */
export const coordinatorStatus = defineQuery<CoordinatorStatus>(names.QUERY_STATUS);
export const pauseStreams = defineUpdate<string[], [unknown]>(names.UPDATE_PAUSE);
export const resumeStreams = defineUpdate<string[], [unknown]>(names.UPDATE_RESUME);
export const retryUnits = defineUpdate<number, [unknown]>(names.UPDATE_RETRY);
export const backUpNow = defineUpdate<string, [unknown]>(names.UPDATE_BACK_UP_NOW);
export const configure = defineUpdate<string, [unknown]>(names.UPDATE_CONFIGURE);
