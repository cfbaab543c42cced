import type { Coverage } from './answers/verify-answers.js';
import type { VerifiedTimes } from './answers/coordinator-answers.js';

/** The share of backups that may be new since the run started that read the rest. */
const MEANWHILE = 0.05;

/** The times that a coverage statement sets. */
export function timesOf(
  { ok, complete, read_so_far: read }: Pick<Coverage, 'ok' | 'complete' | 'read_so_far'>,
  now: number,
): VerifiedTimes {
  if (!ok) return { first: now, failed: now };
  const since = read.since === undefined ? undefined : Date.parse(read.since);
  const left = read.of_backups - read.backups;
  const whole = complete ? now : left === 0 ? since : undefined;
  const rotated = left <= read.of_backups * MEANWHILE ? since : undefined;
  return { first: now, good: now, whole, rotated };
}
