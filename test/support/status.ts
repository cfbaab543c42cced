import type { LiveStatus } from '../../src/client/coordinator.js';
import type { StreamStatus } from '../../src/plan/coordinator.js';

export const NOW = Date.parse('2026-01-01T12:00:00Z');
export const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

/** The status of a coordinator that follows and has nothing due, but for what is given. */
export function liveStatus(
  transaction: Partial<StreamStatus> = {},
  extra: Partial<LiveStatus> = {},
  snapshots: Partial<StreamStatus> = {},
): LiveStatus {
  const following: StreamStatus = {
    state: 'waiting',
    lag: '0',
    lastCommit: { what: 'metadata/x.meta', at: ago(60) },
    holes: [],
    failed: [],
    failedCount: 0,
    quarantined: [],
    committed: 3,
    committedRecords: '30',
    committedBytes: 3000,
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
    startedAt: ago(1_000_000),
    runs: 1,
    progress: {},
    historyEvents: 100,
    retrying: [],
    taskAttempts: 0,
    stuck: [],
    ...extra,
  };
}
