import type { BackupType } from '../plan/job.js';
import type { LiveStatus } from './coordinator.js';

/** As monitoring systems know them; their exit codes are 0, 1 and 2. */
export const LEVELS = ['ok', 'warning', 'critical'] as const;
export type Level = (typeof LEVELS)[number];

export interface Health {
  level: Level;
  /** The worst first; none when all is well. */
  reasons: { level: Level; what: string }[];
}

/** Seconds without a commit, or without a word of the node, after which a stream that is behind is told. */
export interface HealthLimits {
  warning: number;
  critical: number;
}

export const DEFAULT_LIMITS: HealthLimits = { warning: 3_600, critical: 6 * 3_600 };

/** Alarms after which data is lost unless somebody acts, or nothing goes on at all. */
const CRITICAL = new Set(['STORAGE', 'WATCH', 'LOST', 'PRUNE_EDGE']);
/** A workflow task that fails so often fails because of its code. */
const STUCK_ATTEMPTS = 3;
/** A coordinator that follows hears of the node every few seconds. */
const UNSEEN_SECONDS = 300;
const FOLLOWED: readonly BackupType[] = ['epoch_ending', 'transaction'];

/** What the status of a coordinator means to who watches over it. */
export function healthOf(status: LiveStatus, limits: HealthLimits, now: number): Health {
  const reasons: Health['reasons'] = [];
  const tell = (level: Level, what: string) => reasons.push({ level, what });
  const { taskAttempts, alarms, seen, streams } = status;
  if (taskAttempts >= STUCK_ATTEMPTS) {
    const why = 'the worker runs code that does not fit what it began; see the Temporal UI';
    tell('critical', `the coordinator's own task failed ${taskAttempts} times: ${why}`);
  }
  for (const { code, text } of alarms) {
    tell(CRITICAL.has(code) ? 'critical' : 'warning', `${code}: ${text}`);
  }
  const ageOf = (at: string) => Math.round((now - Date.parse(at)) / 1000);
  if (seen && ageOf(seen.at) > UNSEEN_SECONDS) {
    const level = ageOf(seen.at) > limits.critical ? 'critical' : 'warning';
    tell(level, `the node was last seen ${ageOf(seen.at)} s ago`);
  }
  for (const [type, { state, lag, lastCommit }] of Object.entries(streams)) {
    if (state === 'paused') tell('warning', `${type} is paused`);
    if (!FOLLOWED.includes(type as BackupType) || (lag ?? '0') === '0' || !lastCommit) continue;
    const age = ageOf(lastCommit.at);
    if (age <= limits.warning) continue;
    const level = age > limits.critical ? 'critical' : 'warning';
    tell(level, `${type} is ${lag} behind and has committed nothing for ${age} s`);
  }
  reasons.sort((a, b) => LEVELS.indexOf(b.level) - LEVELS.indexOf(a.level));
  return { level: reasons[0]?.level ?? 'ok', reasons };
}
