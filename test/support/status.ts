import type { LiveStatus } from '../../src/contract/answers/shown-answers.js';
import type { StreamStatus } from '../../src/contract/answers/coordinator-answers.js';

export const NOW = Date.parse('2026-01-01T12:00:00Z');
export const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

/** The status of a coordinator that follows and has nothing due, with the given changes. */
export function liveStatus(
  transaction: Partial<StreamStatus> = {},
  extra: Partial<LiveStatus> = {},
  snapshots: Partial<StreamStatus> = {},
): LiveStatus {
  const following: StreamStatus = {
    state: 'waiting',
    lag: '0',
    last_commit: { what: 'metadata/x.meta', at: ago(60) },
    holes: [],
    failed: [],
    failed_count: 0,
    quarantined: [],
    committed: 3,
    committed_records: '30',
    committed_bytes: 3000,
    failures: {},
  };
  return {
    phase: 'following',
    node: 'http://node:6186',
    nodes: ['http://node:6186'],
    storage: '/backups',
    seen: { ended_epochs: '4', version: '100', at: ago(5) },
    concurrency: 4,
    streams: {
      epoch_ending: following,
      state_snapshot: { ...following, ...snapshots },
      transaction: { ...following, ...transaction },
    },
    alarms: [],
    started_at: ago(1_000_000),
    runs: 1,
    progress: {},
    history_events: 100,
    retrying: [],
    task_attempts: 0,
    stuck: [],
    ...extra,
  };
}
