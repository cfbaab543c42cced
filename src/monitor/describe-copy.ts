import type { KeptCopy } from '../contract/answers/copy-answers.js';
import type { LiveStatus } from '../contract/answers/shown-answers.js';
import { duration, since } from './format.js';

/** The copy in a few words. With `now` (unix milliseconds), ages too. */
export function describeCopy(copy: KeptCopy, now?: number): string {
  const { to, running, behind_since: behindSince, why, retry_at: retryAt } = copy;
  const { outcome, ended_at: endedAt } = copy;
  const age =
    behindSince === undefined || now === undefined ? '' : ` for ${since(behindSince, now)}`;
  const ended =
    outcome === undefined || endedAt === undefined || now === undefined
      ? []
      : [`last copy ${outcome} ${since(endedAt, now)} ago`];
  return [
    behindSince === undefined ? 'in step' : `${lagOf(copy)}${age}`,
    ...(running ? ['a copy runs'] : ended),
    ...(why === undefined ? [] : [`FAILS: ${why}`]),
    ...(retryAt === undefined ? [] : [`tried again at ${retryAt}`]),
    `in ${to}`,
  ].join(', ');
}

function lagOf({
  lag_versions: versions,
  lag_epochs: epochs,
  lag_snapshots: states = 0,
}: KeptCopy) {
  if (versions === undefined) return 'not known yet what it lacks';
  const parts = [
    ...(versions === '0' ? [] : [`${versions} versions`]),
    ...(epochs === undefined || epochs === '0' ? [] : [`${epochs} epochs`]),
    ...(states === 0 ? [] : [`${states} snapshots`]),
  ];
  return `${parts.join(' and ')} behind`;
}

/** A warning when the copy was not in step for longer than `limit` seconds. `now` is in unix milliseconds. */
export function copyTooOld({ copy }: LiveStatus, limit: number, now: number): string | undefined {
  if (copy?.behind_since === undefined) return undefined;
  const seconds = (now - Date.parse(copy.behind_since)) / 1000;
  if (seconds <= limit) return undefined;
  const why = copy.why === undefined ? '' : `: ${copy.why}`;
  return `the copy in ${copy.to} was last in step ${duration(seconds)} ago, ${lagOf(copy)}${why}`;
}
