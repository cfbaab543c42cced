import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import * as names from '../plan/messages.js';
import type { BackupStatus, SegmentStatus } from '../plan/messages.js';
import type { LaneControls } from './lanes.js';

/** Messages of the backup workflows; docs/architecture.md lists them for people. */
export const statusQuery = defineQuery<BackupStatus>(names.QUERY_STATUS);
export const setConcurrency = defineUpdate<number, [number]>(names.UPDATE_SET_CONCURRENCY);
export const pause = defineUpdate<void>(names.UPDATE_PAUSE);
export const resume = defineUpdate<void>(names.UPDATE_RESUME);
export const retry = defineUpdate<number>(names.UPDATE_RETRY);

/** Messages of a segment, sent by its backup workflow. */
export const segmentStatus = defineQuery<SegmentStatus>(names.QUERY_STATUS);
export const segmentControls = defineSignal<[LaneControls]>(names.SIGNAL_CONTROLS);
