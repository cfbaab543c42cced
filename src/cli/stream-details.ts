import type { LiveStatus } from '../client/coordinator.js';
import type { BackupType } from '../plan/job.js';
import { shorten } from '../plan/shorten.js';
import { bytes, duration, since } from './format.js';

export const TITLES: Record<BackupType, string> = {
  epoch_ending: 'epoch endings',
  state_snapshot: 'state snapshots',
  transaction: 'transactions',
};

const MOST_ERROR = 200;

/** What there is to say of a stream, each in a few words; absent: nothing. */
export interface StreamDetails {
  newest?: string;
  lag?: string;
  age?: string;
  doing: string;
  progress?: string;
  failed?: string;
  error?: string;
  quarantined?: string;
  edge?: string;
}

/** Without `now` no ages, which change all the time. */
export function streamDetails(
  { streams, progress }: LiveStatus,
  type: BackupType,
  now?: number,
): StreamDetails {
  const stream = streams[type];
  const { state, newest, lag, lagSeconds, current, waitingFor, failed, failedCount } = stream;
  const { lastCommit, lastError, quarantined, pruneEdge: edge } = stream;
  const ago = (at: string) => (now === undefined ? '' : ` ${since(at, now)} ago`);
  const unit = progress[type];
  const rate = unit?.rate ?? stream.rate;
  const left = unit?.rate ? (unit.total - unit.done) / unit.rate : stream.etaSeconds;
  const behind = lagSeconds && now !== undefined ? ` (${duration(lagSeconds)})` : '';
  const parts = [
    ...(unit && unit.total > 0
      ? [`${Math.floor((unit.done / unit.total) * 100)} %, ${bytes(unit.bytes)}`]
      : []),
    ...(rate === undefined ? [] : [`${rate} records/s`]),
    ...(left === undefined ? [] : [`ETA ${duration(left)}`]),
    ...(unit && unit.failedRanges > 0 ? [`${unit.failedRanges} range(s) failed`] : []),
    ...(unit?.retrying
      ? [`attempt ${unit.retrying.attempt} after: ${oneLine(unit.retrying.reason)}`]
      : []),
  ];
  const again = current && current.attempts > 1 ? `, attempt ${current.attempts}` : '';
  return {
    ...(newest === undefined ? {} : { newest }),
    ...(lag === undefined ? {} : { lag: `${lag}${behind}` }),
    ...(lastCommit && now !== undefined ? { age: ago(lastCommit.at).trim() } : {}),
    doing: current
      ? `${current.target}${again}`
      : `${state}${waitingFor === undefined ? '' : `, for ${waitingFor}`}`,
    ...(parts.length > 0 ? { progress: parts.join(', ') } : {}),
    ...(failedCount > 0 ? { failed: `${failedCount} failed, first ${failed[0]!.unit}` } : {}),
    ...(lastError
      ? { error: `${lastError.code}${ago(lastError.at)}: ${oneLine(lastError.reason)}` }
      : {}),
    ...(quarantined.length > 0 ? { quarantined: quarantined.join(', ') } : {}),
    ...(edge
      ? {
          edge: `${edge.versions} versions${edge.seconds === undefined ? '' : ` (${duration(edge.seconds)})`}`,
        }
      : {}),
  };
}

/** One line, however much was quoted. */
function oneLine(text: string): string {
  return shorten(text.replace(/\s+/g, ' '), MOST_ERROR);
}
