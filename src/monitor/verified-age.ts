import { sampleOf } from '../contract/verify-input.js';
import type { ListedSchedule, LiveStatus } from '../contract/answers/shown-answers.js';
import { scheduleOf } from './schedule-of.js';

const DAY_SECONDS = 86_400;
/** A schedule that is late by more than this part of its time is too late. */
const LATE = 1.5;

/**
 * A warning when the whole storage was not verified for longer than `limit` seconds, else undefined. It is given
 * only if somebody verifies: a verification was begun, a schedule for it exists, or `asked` is set. A schedule whose
 * runs read a share each has the time that the whole takes it, unless `asked` is set. `now` is in unix milliseconds.
 */
export function verificationTooOld(
  { verification = { running: false }, schedules = [], started_at: startedAt }: LiveStatus,
  { limit, asked, now }: { limit: number; asked: boolean; now: number },
): string | undefined {
  const { first_at: firstAt, started_at: begunAt } = verification;
  const last = wholeProvenAt(verification);
  const schedule = scheduleOf(schedules, 'verify');
  const begin = [firstAt ?? begunAt, schedule?.created_at].flatMap((at) => at ?? []).sort()[0];
  const since = last ?? begin ?? (asked ? startedAt : undefined);
  if (since === undefined) return undefined;
  const seconds = (now - Date.parse(since)) / 1000;
  if (seconds <= (asked ? limit : provenWithin({ schedules }, limit))) return undefined;
  const age =
    seconds >= 2 * DAY_SECONDS
      ? `${Math.floor(seconds / DAY_SECONDS)} days`
      : `${Math.round(seconds)} s`;
  return last === undefined
    ? `no verification has proven the whole storage yet, for ${age}: run aptos-backup verify, or see why its schedule does not`
    : `the whole storage was last verified ${age} ago, at ${last}: run aptos-backup verify, or see why its schedule does not`;
}

/**
 * Within how many seconds the whole storage is to be proven: `least`, or as long as a schedule takes for it whose runs
 * read a share each.
 */
export function provenWithin(
  { schedules = [] }: Pick<LiveStatus, 'schedules'>,
  least: number,
): number {
  return Math.max(least, secondsForAll(scheduleOf(schedules, 'verify')));
}

/** When the whole storage was last proven: by one verification, or by shares. ISO time. */
export function wholeProvenAt({
  whole_at: wholeAt,
  rotated_at: rotatedAt,
}: Pick<NonNullable<LiveStatus['verification']>, 'whole_at' | 'rotated_at'>): string | undefined {
  return [wholeAt, rotatedAt]
    .flatMap((at) => at ?? [])
    .sort()
    .at(-1);
}

/** How long a schedule takes for the whole storage, when each of its runs reads a share like `5%`; else 0. */
function secondsForAll(schedule: ListedSchedule | undefined): number {
  const percent = sampleOf(schedule?.sample ?? '')?.percent;
  if (schedule?.every_ms === undefined || percent === undefined) return 0;
  return (LATE * Math.ceil(100 / percent) * schedule.every_ms) / 1000;
}
