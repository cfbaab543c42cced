import { STREAMS } from '../plan/coordinator.js';
import type { BackupType } from '../plan/job.js';
import type { LiveStatus } from './coordinator.js';

/**
 * Unix milliseconds at which a stream last did all it should: with nothing due, when the node was
 * last seen, or began to be looked at anew; else when it last committed, or its unit last advanced, or when the first thing that is
 * due became so. A node that answers moves it only while nothing is left to be stored.
 */
export function workDoneAt(status: LiveStatus, type: BackupType): number {
  const { dueSince, lastCommit } = status.streams[type];
  const { seen, lookedAnewAt, startedAt, phase } = status;
  const times = [startedAt, dueSince, lastCommit?.at].flatMap((at) => (at ? Date.parse(at) : []));
  const advanced = status.progress[type]?.advancedAt;
  if (advanced !== undefined) times.push(advanced);
  if (dueSince === undefined && seen && phase !== 'starting') times.push(Date.parse(seen.at));
  if (dueSince === undefined && lookedAnewAt) times.push(Date.parse(lookedAnewAt));
  return Math.max(...times);
}

/** The same of the coordinator: its slowest stream, of those that are not paused if any is not. */
export function heartbeatAt(status: LiveStatus): number {
  const going = STREAMS.filter((type) => status.streams[type].state !== 'paused');
  const counted = going.length > 0 ? going : STREAMS;
  return Math.min(...counted.map((type) => workDoneAt(status, type)));
}
