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

/** The status of a coordinator that has met everything of which there are metrics. */
export function eventfulStatus(): LiveStatus {
  const at = ago(100);
  return liveStatus(
    {
      newest: '100',
      lag_seconds: 1,
      due_since: at,
      current: { target: 'transactions 1 to 9', workflow_id: 'w', since: at, attempts: 1 },
      failures: { QUARANTINED: 1 },
      prune_edge: { next: '1', versions: 4000, seconds: 7200, window: 9000 },
    },
    {
      seen: { ended_epochs: '4', version: '100', at, tip_at: at, version_since: at },
      alarms: [{ code: 'LOST', text: 'gone', since: at }],
      metadata_files: 1,
      unreferenced: { folders: 0, first: [], files: 0 },
      progress: { transaction: { done: 1, total: 2, bytes: 3, failed_ranges: 0 } },
      restorable: { yes: true, version: '100', epoch: '3', history_from: '0', why: [] },
      verification: {
        running: false,
        ...{ started_at: at, succeeded_at: at, failed_at: at, whole_at: at },
        read: { backups: 1, of: 1, since: at },
        progress: {
          ...{ epoch: '3', epoch_version: '90', version: '100' },
          ...{ snapshot_version: '90', items: '11', of_items: '20' },
        },
      },
      drill: {
        running: false,
        ...{ started_at: at, succeeded_at: at, restored_at: at, failed_at: at },
      },
      copy: {
        ...{ to: '/copy', running: false, looked_at: at, behind_since: at },
        ...{ lag_versions: '10', lag_epochs: '1', lag_snapshots: 1, lag_seconds: 100 },
      },
      schedules: [{ id: 's/schedule/gc', paused: false, created_at: at, last: at, missed: 0 }],
    },
  );
}
