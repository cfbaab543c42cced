import { STREAMS } from '../plan/coordinator.js';
import type { LiveStatus } from './coordinator.js';
import { describeStuck } from './stuck.js';
import { workDoneAt } from './work-done.js';

/** As monitoring systems know them; their exit codes are 0, 1 and 2. */
export const LEVELS = ['ok', 'warning', 'critical'] as const;
export type Level = (typeof LEVELS)[number];

export interface Health {
  level: Level;
  /** The worst first; none when all is well. */
  reasons: { level: Level; what: string }[];
}

/** All in seconds. */
export interface HealthLimits {
  /** How long a stream may have something to store and store nothing. */
  warning: number;
  critical: number;
  /** How long trouble that often passes by itself may last before it is critical. */
  trouble: number;
}

export const DEFAULT_LIMITS: HealthLimits = {
  warning: 3_600,
  critical: 6 * 3_600,
  trouble: 600,
};

/** A coordinator that follows hears of the node every few seconds. */
const UNSEEN_SECONDS = 300;
/** Share of what the node keeps below which the distance to its prune edge is critical. */
const EDGE_SHARE = 0.25;

/**
 * What the status of a coordinator means to who watches over it. Data that is lost or about to be is
 * critical at once, everything else when it lasts.
 */
export function healthOf(status: LiveStatus, limits: HealthLimits, now: number): Health {
  const reasons: Health['reasons'] = [];
  const tell = (level: Level, what: string) => reasons.push({ level, what });
  const { alarms, seen, lookedAnewAt, streams, stuck, verification, phase } = status;
  const ageOf = (at: number) => Math.max(0, Math.round((now - at) / 1000));
  for (const workflow of stuck) tell('critical', describeStuck(workflow));
  for (const alarm of alarms) {
    const lasts = ageOf(Date.parse(alarm.since));
    tell(alarmLevel(alarm.code, lasts, status, limits), `${alarm.code}: ${alarm.text}`);
  }
  const unseen = seen && ageOf(Date.parse(seen.at));
  if (unseen !== undefined && unseen > UNSEEN_SECONDS) {
    tell(
      unseen > limits.critical ? 'critical' : 'warning',
      `the node was last seen ${unseen} s ago`,
    );
  }
  if (phase === 'starting') {
    const anew = lookedAnewAt === undefined ? 0 : Date.parse(lookedAnewAt);
    const last = Math.max(anew, ...STREAMS.map((type) => workDoneAt(status, type)));
    const level = levelAfter(ageOf(last), { warning: limits.trouble, critical: limits.warning });
    if (level !== 'ok')
      tell(level, `it is starting for ${ageOf(last)} s: storage or node were not read yet`);
  }
  for (const type of STREAMS) {
    const { state, lag, dueSince, quarantined } = streams[type];
    if (state === 'paused') {
      tell('warning', `${type} is paused`);
      continue;
    }
    if (quarantined.length > 0) tell('warning', `${type}: in quarantine ${quarantined.join(', ')}`);
    if (dueSince === undefined) continue;
    const idle = ageOf(workDoneAt(status, type));
    const level = levelAfter(idle, limits);
    const behind = lag === undefined ? '' : ` is ${lag} behind and`;
    if (level !== 'ok') tell(level, `${type}${behind} has stored nothing for ${idle} s`);
  }
  const { failedAt, succeededAt } = verification ?? {};
  if (failedAt !== undefined && failedAt > (succeededAt ?? '')) {
    tell('warning', `the last verification failed, at ${failedAt}`);
  }
  return worstOf(reasons);
}

/** As bad as the worst of its reasons, which comes first. */
export function worstOf(reasons: Health['reasons']): Health {
  const sorted = reasons.toSorted((a, b) => LEVELS.indexOf(b.level) - LEVELS.indexOf(a.level));
  return { level: sorted[0]?.level ?? 'ok', reasons: sorted };
}

/** What it means that a coordinator could not be read: as bad as it gets. */
export function healthWithout(what: string): Health {
  return worstOf([{ level: 'critical', what }]);
}

function alarmLevel(
  code: string,
  lasts: number,
  { streams }: LiveStatus,
  limits: HealthLimits,
): Level {
  switch (code) {
    case 'LOST':
    case 'ALL_NODES_LIED':
      return 'critical';
    case 'PRUNE_EDGE': {
      const edges = STREAMS.flatMap((type) => streams[type].pruneEdge ?? []);
      const far = edges.every(({ versions, window }) => versions > window * EDGE_SHARE);
      return edges.length > 0 && far ? 'warning' : 'critical';
    }
    // Nothing goes on at all.
    case 'STORAGE':
    case 'WATCH':
      return lasts > limits.trouble ? 'critical' : 'warning';
    case 'NODE':
      return lasts > limits.warning ? 'critical' : 'warning';
    // Told until the next snapshot is stored; nothing is to be done.
    case 'SNAPSHOT_GIVEN_UP':
      return 'warning';
    default:
      return code.startsWith('FAILED_') && lasts > limits.critical ? 'critical' : 'warning';
  }
}

function levelAfter(seconds: number, limits: { warning: number; critical: number }): Level {
  if (seconds <= Math.min(limits.warning, limits.critical)) return 'ok';
  return seconds > limits.critical ? 'critical' : 'warning';
}
