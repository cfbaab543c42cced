import type { ReasonCode } from '../errors/codes/health-codes.js';
import type { ListedSchedule, LiveStatus } from '../contract/answers/shown-answers.js';
import { describeWhy, duration } from './format.js';
import { scheduleOf } from './schedule-of.js';

/** A schedule that is late by more than this part of its interval is too late. */
const LATE = 1.5;
const DAY_SECONDS = 86_400;
/** A drill of somebody who has no schedule for them is old after this time. */
const LEAST_WITHIN = 14 * DAY_SECONDS;

/**
 * Warnings about restore drills: the last one failed, or none has succeeded for longer than its schedule promises.
 * Without a schedule for them nobody promised any. `now` is in unix milliseconds.
 */
export function drillTroubles(
  { drill, schedules = [] }: LiveStatus,
  now: number,
): { code: ReasonCode; what: string }[] {
  const { failed_at: failedAt, succeeded_at: succeededAt } = drill ?? {};
  const failed = failedAt !== undefined && failedAt > (succeededAt ?? '');
  const why = `the last restore drill failed, at ${failedAt}${describeWhy(drill ?? {})}: see aptos-backup restore drill`;
  const troubles = failed ? [{ code: 'DRILL_FAILED' as const, what: why }] : [];
  const schedule = scheduleOf(schedules, 'drill');
  const since = succeededAt ?? schedule?.created_at;
  const within = secondsOf(schedule);
  if (within === undefined || since === undefined) return troubles;
  const seconds = (now - Date.parse(since)) / 1000;
  if (seconds <= within) return troubles;
  const age =
    seconds >= 2 * DAY_SECONDS ? `${Math.floor(seconds / DAY_SECONDS)} days` : duration(seconds);
  const old = `no restore drill has succeeded for ${age}: see why its schedule does not`;
  return [...troubles, { code: 'DRILL_OLD', what: old }];
}

/** Within how many seconds of the last drill the next one is to succeed: two weeks, or later by its schedule. */
export function drilledWithin({ schedules = [] }: Pick<LiveStatus, 'schedules'>): number {
  return Math.max(LEAST_WITHIN, secondsOf(scheduleOf(schedules, 'drill')) ?? 0);
}

/** After how many seconds a drill of this schedule is late. */
function secondsOf(schedule: ListedSchedule | undefined): number | undefined {
  return schedule?.every_ms === undefined ? undefined : (LATE * schedule.every_ms) / 1000;
}
