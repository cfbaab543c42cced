import type { BackupType } from '../contract/job.js';
import { shorten } from '../lib/shorten.js';
import { bytes, duration, since } from './format.js';
import type { LiveStatus } from '../contract/answers/shown-answers.js';

const MOST_ERROR = 200;
/** A unit without progress for so long has no rate. */
const STANDS_MS = 60_000;

/** Texts of a few words about a stream. A text is absent when there is nothing to say. */
export interface StreamDetails {
  newest?: string | undefined;
  lag?: string | undefined;
  age?: string | undefined;
  doing: string;
  progress?: string | undefined;
  failed?: string | undefined;
  error?: string | undefined;
  quarantined?: string | undefined;
  edge?: string | undefined;
}

/** Describes a stream. Without `now` (unix milliseconds) there are no ages, so equal statuses give equal texts. */
export function streamDetails(
  { streams, progress }: LiveStatus,
  type: BackupType,
  now?: number,
): StreamDetails {
  const stream = streams[type];
  const {
    state,
    newest,
    lag,
    lag_seconds: lagSeconds,
    current,
    waiting_for: waitingFor,
    failed,
    failed_count: failedCount,
  } = stream;
  const { last_commit: lastCommit, last_error: lastError, quarantined, prune_edge: edge } = stream;
  const ago = (at: string) => (now === undefined ? '' : ` ${since(at, now)} ago`);
  const unit = progress[type];
  // What waits for the node is not done in a second, however fast its last unit was.
  const still = now === undefined ? 0 : now - (unit?.advanced_at ?? now);
  const moves = still < STANDS_MS;
  const rate = current && moves ? (unit?.rate ?? stream.rate) : undefined;
  const rest = current && moves ? stream.eta_seconds : undefined;
  const left = moves && unit?.rate ? (unit.total - unit.done) / unit.rate : rest;
  const behind = lagSeconds && now !== undefined ? ` (${duration(lagSeconds)})` : '';
  const parts = [
    ...(unit && unit.total > 0
      ? [`${Math.floor((unit.done / unit.total) * 100)} %, ${bytes(unit.bytes)}`]
      : []),
    ...(rate === undefined ? [] : [`${rate} records/s`]),
    ...(moves ? [] : [`not moved for ${duration(still / 1000)}`]),
    ...(left === undefined ? [] : [`ETA ${duration(left)}`]),
    ...(unit && unit.failed_ranges > 0 ? [`${unit.failed_ranges} range(s) failed`] : []),
    ...(unit?.retrying
      ? [`attempt ${unit.retrying.attempt} after: ${oneLine(unit.retrying.reason)}`]
      : []),
  ];
  const again = current && current.attempts > 1 ? `, attempt ${current.attempts}` : '';
  return {
    newest,
    lag: lag === undefined ? undefined : `${lag}${behind}`,
    age: lastCommit && now !== undefined ? ago(lastCommit.at).trim() : undefined,
    doing: current
      ? `${current.target}${again}`
      : `${state}${waitingFor === undefined ? '' : `${state === 'paused' ? ' until' : ', for'} ${waitingFor}`}`,
    progress: parts.join(', ') || undefined,
    failed: failed[0] && `${failedCount} failed, first ${failed[0].unit}`,
    error: lastError && `${lastError.code}${ago(lastError.at)}: ${oneLine(lastError.reason)}`,
    quarantined: quarantined.join(', ') || undefined,
    edge:
      edge &&
      `${edge.versions} versions${edge.seconds === undefined ? '' : ` (${duration(edge.seconds)})`}`,
  };
}

/** Puts a text on one line and shortens it: an error may quote much. */
function oneLine(text: string): string {
  return shorten(text.replace(/\s+/g, ' '), MOST_ERROR);
}
