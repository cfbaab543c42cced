import type { BackupType } from '../contract/job.js';
import { rulesOf } from '../contract/kinds/index.js';
import type { ResultOf } from '../contract/unit.js';
import type {
  LastVerification,
  ListedSchedule,
  LiveStatus,
} from '../contract/answers/shown-answers.js';

/** A version that has not changed for less than this is normal and is not mentioned. */
const STANDS_MS = 60_000;

/** Formats a number of bytes with a unit that fits its size: 1500 -> "1.5 kB". */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(unit === 0 ? 0 : 1)} ${units[unit]}`;
}

/** Formats seconds: 75 -> "1m15s". */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}m${whole % 60}s`;
  return `${Math.floor(minutes / 60)}h${minutes % 60}m`;
}

/** Formats how long ago an ISO time was; `now` in unix milliseconds. */
export function since(at: string, now: number): string {
  return duration(Math.max(0, now - Date.parse(at)) / 1000);
}

/** How many backups verifications have read and how old the oldest proof is. Empty before the first verification. */
export function describeRead({ read }: Pick<LastVerification, 'read'>, now: number): string[] {
  if (!read) return [];
  const age = read.since === undefined ? '' : ` since ${read.since}, ${since(read.since, now)} ago`;
  return [`${read.backups} of ${read.of} backups read${age}`];
}

/** Why the last verification or drill failed, to put after when. Empty when nothing tells it. */
export function describeWhy({ failed_why: why }: { failed_why?: string | undefined }): string {
  return why === undefined ? '' : ` (${why})`;
}

/** How old a node's tip is, as words to put after its version. Empty without `now`. */
export function tipAge(
  {
    version_since: still,
    tip_at: tip,
  }: Pick<NonNullable<LiveStatus['seen']>, 'version_since' | 'tip_at'>,
  now: number | undefined,
): string {
  if (now === undefined) return '';
  const stands = still !== undefined && now - Date.parse(still) > STANDS_MS;
  return [
    ...(tip === undefined ? [] : [`, tip ${since(tip, now)} old`]),
    ...(stands ? [`, not moved for ${since(still, now)}`] : []),
  ].join('');
}

/** Describes a schedule in one line: the interval, the next run or that it is overdue, and the last run's result. */
export function describeSchedule(schedule: ListedSchedule): string {
  const { paused, every_ms: everyMs, next, overdue, last, outcome, why, missed } = schedule;
  const coming = paused ? 'paused' : overdue ? `OVERDUE since ${next}` : `next ${next ?? '-'}`;
  const ended = outcome === undefined ? '' : ` (${outcome}${why === undefined ? '' : `: ${why}`})`;
  return [
    ...(everyMs === undefined ? [] : [`every ${duration(everyMs / 1000)}`]),
    coming,
    `last ${last ?? 'never'}${ended}`,
    ...(missed > 0 ? [`${missed} missed`] : []),
  ].join(', ');
}

/** Describes a finished backup in a few lines. */
export function describeResult<K extends BackupType>(result: ResultOf<K>): string {
  const rules = rulesOf<K>(result.type);
  const { one, records } = rules.words;
  const { anchor } = result;
  const trust = anchor.confirmed
    ? `genesis ${anchor.waypoint}${anchor.network ? ` (${anchor.network})` : ''}`
    : `genesis ${anchor.waypoint}, which nothing but this node confirms (see --trust-waypoint)`;
  return [
    `${one} ${result.already_committed ? 'is there already' : 'succeeded'}. Manifest: ${result.manifest}`,
    `  ${rules.describeResult(result)}: ${result.records} ${records} in ${result.chunks} chunks, ${bytes(result.bytes)}` +
      (result.chunks_reused > 0 ? `, ${result.chunks_reused} of them found stored` : ''),
    `  proven: ${result.proven}; ${trust}`,
    ...(result.lies ?? []).map(({ node, why }) => `  LIE of ${node}: ${why}`),
  ].join('\n');
}
