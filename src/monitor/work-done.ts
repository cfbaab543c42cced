import { STREAMS } from '../contract/coordinator-state.js';
import type { BackupType } from '../contract/job.js';
import type { LiveStatus } from '../contract/answers/shown-answers.js';
import { isPaused } from './paused.js';

/**
 * When a stream had last done its work, in unix milliseconds. This is the latest of these times:
 * - when the coordinator started, when the stream last committed, and when its running unit last made progress
 * - while something is due: when the oldest due work became due
 * - while nothing is due: when the node was last seen, and when the coordinator last began to look at it anew.
 *
 * So while something is due, a node that answers does not advance this time; only stored data does.
 */
export function workDoneAt(status: LiveStatus, type: BackupType): number {
  const { due_since: dueSince, last_commit: lastCommit } = status.streams[type];
  const { seen, looked_anew_at: lookedAnewAt, started_at: startedAt, phase } = status;
  const times = [startedAt, dueSince, lastCommit?.at].flatMap((at) => (at ? Date.parse(at) : []));
  const advanced = status.progress[type]?.advanced_at;
  if (advanced !== undefined) times.push(advanced);
  if (dueSince === undefined && seen && phase !== 'starting') times.push(Date.parse(seen.at));
  if (dueSince === undefined && lookedAnewAt) times.push(Date.parse(lookedAnewAt));
  return Math.max(...times);
}

/** When all streams had last done their work. Paused streams do not count, unless all are paused. */
export function heartbeatAt(status: LiveStatus): number {
  const going = STREAMS.filter((type) => !isPaused(status.streams[type]));
  const counted = going.length > 0 ? going : STREAMS;
  return Math.min(...counted.map((type) => workDoneAt(status, type)));
}
