import { whenCritical } from '../errors/codes/alarms-codes.js';
import type { ReasonCode } from '../errors/codes/health-codes.js';
import { STREAMS } from '../contract/coordinator-state.js';
import { rulesOf } from '../contract/kinds/index.js';
import { nodeReasons } from './node-health.js';
import { describeStuck } from '../client/stuck.js';
import { copyTooOld } from './describe-copy.js';
import { describeWhy } from './format.js';
import { BLIND } from './blind.js';
import { notificationTroubles } from './notification-health.js';
import { isPaused } from './paused.js';
import { drillTroubles } from './drill-age.js';
import { verificationTooOld } from './verified-age.js';
import { workDoneAt } from './work-done.js';
import {
  type LiveStatus,
  type Health,
  type Level,
  LEVELS,
} from '../contract/answers/shown-answers.js';

/** Limits above which something becomes a reason; in seconds. */
export interface HealthLimits {
  /** A warning when a stream with work to do stores nothing for so long, or a node's tip is so old. */
  warning: number;
  /** The same stream is critical after this time. */
  critical: number;
  /** How long a problem that often passes by itself may last before it is critical. */
  trouble: number;
  /** A warning when the whole storage was not verified for so long. Counts only if somebody verifies at all. */
  verifiedWithin: number;
  /** A warning when the copy that is kept in step was behind for so long. */
  copiedWithin: number;
  /** Makes `verifiedWithin` count also when nobody has ever verified the storage. */
  verifiedAsked?: true;
}

export const DEFAULT_LIMITS: HealthLimits = {
  warning: 3_600,
  critical: 6 * 3_600,
  trouble: 600,
  verifiedWithin: 7 * 86_400,
  copiedWithin: 6 * 3_600,
};

/** The distance to the prune edge is critical below this share of the versions that the node keeps. */
const EDGE_SHARE = 0.25;

/**
 * Judges the status of a coordinator. Lost data, and data that is about to be lost, is critical at once.
 * Everything else becomes critical only when it lasts. `now` is in unix milliseconds.
 */
export function healthOf(status: LiveStatus, limits: HealthLimits, now: number): Health {
  const reasons: Health['reasons'] = [];
  const tell = (level: Level, code: ReasonCode, what: string, since?: string) =>
    reasons.push({ level, code, what, ...(since === undefined ? {} : { since }) });
  const { alarms, seen, looked_anew_at: lookedAnewAt, streams, stuck, phase } = status;
  const ageOf = (at: number) => Math.max(0, Math.round((now - at) / 1000));
  for (const workflow of stuck) {
    tell('critical', `STUCK_${workflow.workflow_id}`, describeStuck(workflow), workflow.since);
  }
  for (const { code, text, since } of alarms) {
    const level = alarmLevel(code, ageOf(Date.parse(since)), status, limits);
    reasons.push({ level, code, what: `${code}: ${text}`, since });
  }
  if (seen) reasons.push(...nodeReasons(seen, limits, now));
  if (phase === 'starting') {
    const anew = lookedAnewAt === undefined ? 0 : Date.parse(lookedAnewAt);
    const last = Math.max(anew, ...STREAMS.map((type) => workDoneAt(status, type)));
    const level = levelAfter(ageOf(last), { warning: limits.trouble, critical: limits.warning });
    const what = `it is starting for ${ageOf(last)} s: storage or node were not read yet`;
    if (level !== 'ok') tell(level, 'STARTING_LONG', what);
    // A coordinator that only looks at its node anew has read both before.
    else if (lookedAnewAt === undefined) {
      tell('warning', BLIND.starts, 'it starts: storage or node were not read yet');
    }
  }
  for (const type of STREAMS) {
    const { lag, due_since: dueSince, quarantined } = streams[type];
    if (isPaused(streams[type])) {
      const resume = `aptos-backup resume ${type.replaceAll('_', '-')}`;
      const what = `${rulesOf(type).words.many} are paused (to go on: ${resume})`;
      tell('warning', `PAUSED_${type}`, what);
      continue;
    }
    if (quarantined.length > 0) {
      tell(
        'warning',
        `QUARANTINE_${type}`,
        `${rulesOf(type).words.many}: in quarantine ${quarantined.join(', ')}`,
      );
    }
    if (dueSince === undefined) continue;
    const idle = ageOf(workDoneAt(status, type));
    const level = levelAfter(idle, limits);
    const behind = lag === undefined ? '' : `${lag} behind, and `;
    const what = `${rulesOf(type).words.many}: ${behind}nothing stored for ${idle} s`;
    if (level !== 'ok') tell(level, `STALLED_${type}`, what);
  }
  for (const { code, what, since } of warningsOf(status, limits, now)) {
    tell('warning', code, what, since);
  }
  return worstOf(reasons);
}

type Warning = { code: ReasonCode; what: string; since?: string };

/** What no stream is in trouble for: care of the storage that failed, or that was not taken for too long. */
function warningsOf(status: LiveStatus, limits: HealthLimits, now: number): Warning[] {
  const { restorable, started_at: startedAt, metadata_files: metadataFiles = 0 } = status;
  const warnings: Warning[] = [];
  const follows = (now - Date.parse(startedAt)) / 1000;
  if (restorable && !restorable.yes && metadataFiles > 0 && follows > limits.warning) {
    const what = `the stock tool cannot restore anything from the storage: ${restorable.why.join('; ')}`;
    warnings.push({ code: 'NOT_RESTORABLE', what });
  }
  const { failed_at: failedAt, succeeded_at: succeededAt } = status.verification ?? {};
  if (failedAt !== undefined && failedAt > (succeededAt ?? '')) {
    const why = describeWhy(status.verification ?? {});
    const what = `the last verification failed, at ${failedAt}${why}`;
    warnings.push({ code: 'VERIFICATION_FAILED', what });
  }
  const { verifiedWithin: limit, verifiedAsked: asked = false } = limits;
  const old = verificationTooOld(status, { limit, asked, now });
  if (old !== undefined) warnings.push({ code: 'VERIFICATION_OLD', what: old });
  const behind = copyTooOld(status, limits.copiedWithin, now);
  if (behind !== undefined) warnings.push({ code: 'COPY_BEHIND', what: behind });
  return [
    ...warnings,
    ...drillTroubles(status, now),
    ...scheduleTroubles(status),
    ...notificationTroubles(status.notifications),
  ];
}

function scheduleTroubles({ schedules = [] }: LiveStatus): Warning[] {
  return schedules.flatMap(({ id, paused, overdue, next, outcome, why, last }) => {
    const kind = id.split('/').at(-1);
    const name = `schedule ${kind}`;
    const failed = `${name}: its last run, of ${last}, failed: ${why ?? 'it timed out'}`;
    const late = `${name} is overdue: its run of ${next} has not begun`;
    const all: [boolean, Warning][] = [
      [paused, { code: `SCHEDULE_PAUSED_${kind}`, what: `${name} is paused` }],
      [overdue ?? false, { code: `SCHEDULE_OVERDUE_${kind}`, what: late }],
      [outcome === 'failed', { code: `SCHEDULE_FAILED_${kind}`, what: failed }],
    ];
    return all.flatMap(([is, warning]) => (is ? warning : []));
  });
}

/** The health with these reasons: its level is the worst of theirs, and the worst comes first. */
export function worstOf(reasons: Health['reasons']): Health {
  const sorted = reasons.toSorted((a, b) => LEVELS.indexOf(b.level) - LEVELS.indexOf(a.level));
  return { level: sorted[0]?.level ?? 'ok', reasons: sorted };
}

/** The health of a coordinator that cannot be read: critical. */
export function healthWithout(what: string): Health {
  return worstOf([{ level: 'critical', code: BLIND.silent, what }]);
}

function alarmLevel(
  code: string,
  lasts: number,
  { streams }: LiveStatus,
  limits: HealthLimits,
): Level {
  const critical = whenCritical(code);
  switch (critical) {
    case 'at once':
      return 'critical';
    case 'never':
      return 'warning';
    case 'near the edge': {
      const edges = STREAMS.flatMap((type) => streams[type].prune_edge ?? []);
      const far = edges.every(({ versions, window }) => versions > window * EDGE_SHARE);
      return edges.length > 0 && far ? 'warning' : 'critical';
    }
    default:
      return lasts > limits[critical] ? 'critical' : 'warning';
  }
}

function levelAfter(seconds: number, limits: { warning: number; critical: number }): Level {
  if (seconds <= Math.min(limits.warning, limits.critical)) return 'ok';
  return seconds > limits.critical ? 'critical' : 'warning';
}
