import { Counter, Gauge, Registry } from 'prom-client';
import { isPaused } from './paused.js';
import { drilledWithin } from './drill-age.js';
import { DEFAULT_LIMITS } from './health.js';
import { provenWithin, wholeProvenAt } from './verified-age.js';
import { heartbeatAt, workDoneAt } from './work-done.js';
import { rulesOf } from '../contract/kinds/index.js';
import { STREAMS } from '../contract/coordinator-state.js';
import { type LiveStatus, type Health, LEVELS } from '../contract/answers/shown-answers.js';

const seconds = (at: string) => Date.parse(at) / 1000;

/**
 * The metrics of a status in the format of Prometheus. Names that begin with aptos_db_backup_ or
 * aptos_backup_metadata_ are the stock tool's and have the same meaning. The heartbeat is the exception: ours
 * advances only when due work gets done.
 */
export async function metricsOf(
  status: LiveStatus | undefined,
  { level }: Health,
  stuck: number,
): Promise<{ text: string; type: string }> {
  const metrics = new Metrics();
  metrics.gauge('aptos_backup_health', '0 ok, 1 warning, 2 critical', LEVELS.indexOf(level));
  metrics.gauge('aptos_backup_stuck_workflows', 'Workflows whose own code fails', stuck);
  if (status) {
    ofCoordinator(metrics, status);
    for (const type of STREAMS) ofStream(metrics, status, type);
    ofStorage(metrics, status);
    ofRestore(metrics, status);
    ofVerification(metrics, status);
    ofCopy(metrics, status);
    ofDrills(metrics, status);
    ofSchedules(metrics, status);
  }
  return metrics.text();
}

function ofCoordinator(metrics: Metrics, status: LiveStatus): void {
  const { seen, alarms, runs } = status;
  metrics.gauge(
    'aptos_db_backup_coordinator_heartbeat_timestamp_s',
    'When all streams that are not paused had last done all that was due, unix seconds',
    heartbeatAt(status) / 1000,
  );
  metrics.gauge(
    'aptos_backup_node_seen_timestamp_seconds',
    'When the node last answered',
    seen && seconds(seen.at),
  );
  metrics.gauge(
    'aptos_backup_node_tip_timestamp_seconds',
    'When the chain made the newest ledger info of the node, by its own clock',
    seen?.tip_at && seconds(seen.tip_at),
  );
  metrics.gauge(
    'aptos_backup_node_version_since_timestamp_seconds',
    'Since when the version of the node has not changed',
    seen?.version_since && seconds(seen.version_since),
  );
  metrics.gauge(
    'aptos_backup_genesis_unconfirmed',
    '1 while no trusted waypoint confirms the genesis of the chain',
    seen && (seen.unconfirmed_genesis === undefined ? 0 : 1),
  );
  metrics.gauge('aptos_backup_node_version', 'Newest version of the node', Number(seen?.version));
  metrics.gauge(
    'aptos_backup_node_ended_epochs',
    'Epochs of the node that have ended',
    Number(seen?.ended_epochs),
  );
  for (const { code } of alarms) {
    metrics.gauge('aptos_backup_alarm', '1 for each alarm that is raised', 1, { code });
  }
  metrics.gauge(
    'aptos_backup_coordinator_start_timestamp_seconds',
    'When the coordinator was first started',
    seconds(status.started_at),
  );
  metrics.counter('aptos_backup_coordinator_runs_total', 'Runs of the coordinator workflow', runs);
  metrics.gauge(
    'aptos_backup_coordinator_history_events',
    'Events of its present run',
    status.history_events,
  );
  metrics.gauge(
    'aptos_backup_coordinator_task_attempts',
    'How often its open workflow task was tried',
    status.task_attempts,
  );
}

function ofStream(metrics: Metrics, status: LiveStatus, stream: (typeof STREAMS)[number]): void {
  const s = status.streams[stream];
  const unit = status.progress[stream];
  const labels = { stream };
  // The stock tool's names, so that its dashboards still work.
  const newest = `aptos_db_backup_coordinator_${stream}_${rulesOf(stream).counts}`;
  metrics.gauge(newest, 'Newest in backup', s.newest && Number(s.newest));
  const gauges: [string, string, number | string | undefined][] = [
    ['lag', 'Epochs or versions behind the node', s.lag && Number(s.lag)],
    ['lag_seconds', 'The same in time', s.lag_seconds],
    ['holes', 'Gaps below the newest that is stored, up to 20', s.holes.length],
    ['failed_units', 'Units that failed and rest', s.failed_count],
    ['quarantined_units', 'Failed units with a chunk in quarantine', s.quarantined.length],
    ['paused', '1 while the stream is paused', isPaused(s) ? 1 : 0],
    ['due', '1 while the node has something that is not stored', s.due_since ? 1 : 0],
    ['unit_attempts', 'How often the current unit was begun', s.current?.attempts],
    ['unit_records', 'Records of the current unit', unit?.total],
    ['unit_records_done', 'Records of the current unit that are stored or in work', unit?.done],
    [
      'prune_edge_versions',
      'Versions until the node prunes what comes next',
      s.prune_edge?.versions,
    ],
    ['prune_edge_seconds', 'The same in time', s.prune_edge?.seconds],
    [
      'last_commit_timestamp_seconds',
      'Of the last commit',
      s.last_commit && seconds(s.last_commit.at),
    ],
    [
      'work_done_timestamp_seconds',
      'When the stream had last done all that was due',
      workDoneAt(status, stream) / 1000,
    ],
  ];
  for (const [name, help, value] of gauges) {
    metrics.gauge(`aptos_backup_${name}`, help, value, labels);
  }
  const counters: [string, string, number][] = [
    ['units', 'Units committed', s.committed],
    ['records', 'Records in them', Number(s.committed_records)],
    ['bytes', 'Bytes in them', s.committed_bytes],
  ];
  for (const [what, help, value] of counters) {
    metrics.counter(`aptos_backup_committed_${what}_total`, help, value, labels);
  }
  for (const [code, times] of Object.entries(s.failures)) {
    const help = 'Units that failed, by code';
    metrics.counter('aptos_backup_unit_failures_total', help, times, { stream, code });
  }
}

function ofStorage(metrics: Metrics, { metadata_files: files, unreferenced }: LiveStatus): void {
  metrics.gauge('aptos_backup_metadata_num_files', 'Metadata files of the storage', files);
  metrics.gauge(
    'aptos_backup_unreferenced_folders',
    'Folders of the storage that no metadata line names',
    unreferenced?.folders,
  );
}

/** Metrics of what can be restored; none until the coordinator has read the storage. */
function ofRestore(metrics: Metrics, { restorable }: LiveStatus): void {
  if (!restorable) return;
  const { yes, version, epoch, history_from: from } = restorable;
  const name = (what: string) => `aptos_backup_restorable${what}`;
  metrics.gauge(name(''), '1 while the stock tool can restore something', yes ? 1 : 0);
  metrics.gauge(
    name('_version'),
    'The newest version that it restores',
    version && Number(version),
  );
  metrics.gauge(name('_epoch'), 'The newest epoch that has ended by then', epoch && Number(epoch));
  metrics.gauge(name('_history_start_version'), 'Where its history begins', from && Number(from));
}

function ofSchedules(metrics: Metrics, { schedules = [] }: LiveStatus): void {
  for (const { id, overdue, last, missed, outcome } of schedules) {
    const labels = { schedule: id.split('/').at(-1)! };
    const gauges: [string, string, number | string | undefined][] = [
      ['overdue', '1 while its next run is in the past', overdue ? 1 : 0],
      ['failed', '1 when its last run failed', outcome === 'failed' ? 1 : 0],
      ['last_run_timestamp_seconds', 'When its last run began', last && seconds(last)],
      ['missed_runs', 'Runs that came while the server was away and were not made up for', missed],
    ];
    for (const [name, help, value] of gauges) {
      metrics.gauge(`aptos_backup_schedule_${name}`, help, value, labels);
    }
  }
}

/** Metrics of the copy that is kept in step; none without one. */
function ofCopy(metrics: Metrics, { copy }: LiveStatus): void {
  if (!copy) return;
  for (const [name, help, value] of [
    ['lag_versions', 'Transactions that the copy lacks', Number(copy.lag_versions)],
    ['lag_epochs', 'Epoch endings that the copy lacks', Number(copy.lag_epochs)],
    ['lag_snapshots', 'State snapshots that the copy lacks', copy.lag_snapshots],
    ['lag_seconds', 'Seconds since the copy last had everything', copy.lag_seconds],
    ['running', '1 while a copy runs', copy.running ? 1 : 0],
    ['failing', '1 while the copy cannot be brought in step', copy.why === undefined ? 0 : 1],
    ['end_timestamp_seconds', 'When the last copy ended', copy.ended_at && seconds(copy.ended_at)],
  ] as const) {
    metrics.gauge(`aptos_backup_copy_${name}`, help, value);
  }
}

function ofDrills(metrics: Metrics, status: LiveStatus): void {
  const { drill } = status;
  for (const [what, help, at] of [
    ['start', 'When the newest restore drill was begun', drill?.started_at],
    ['success', 'When a restore drill last succeeded', drill?.succeeded_at],
    ['restore', 'When one last succeeded that restored with the stock tool', drill?.restored_at],
    ['failure', 'When a restore drill last failed', drill?.failed_at],
  ] as const) {
    metrics.gauge(`aptos_backup_drill_${what}_timestamp_seconds`, help, at && seconds(at));
  }
  metrics.gauge(
    'aptos_backup_drill_within_seconds',
    'How old the last drill that succeeded may become',
    drilledWithin(status),
  );
}

function ofVerification(metrics: Metrics, status: LiveStatus): void {
  const { progress = {}, read, ...times } = status.verification ?? { running: false };
  const wholeAt = wholeProvenAt(times);
  for (const [what, help, value] of [
    [
      'whole_timestamp_seconds',
      'When the whole storage was last proven',
      wholeAt && seconds(wholeAt),
    ],
    [
      'within_seconds',
      'How old that may become: a week, or what a schedule of samples takes',
      provenWithin(status, DEFAULT_LIMITS.verifiedWithin),
    ],
    ['read_backups', 'Backups that verifications have read and found in order', read?.backups],
    ['backups', 'Backups that there were at the last verification', read?.of],
    [
      'oldest_proof_timestamp_seconds',
      'When the backup was read that was not read for the longest time',
      read?.since && seconds(read.since),
    ],
  ] as const) {
    metrics.gauge(`aptos_backup_verify_${what}`, help, value);
  }
  for (const [what, at] of [
    ['start', times.started_at],
    ['succeed', times.succeeded_at],
    ['fail', times.failed_at],
  ] as const) {
    const name = `aptos_db_backup_verify_coordinator_${what}_timestamp_s`;
    metrics.gauge(name, 'Of the newest verification', at && seconds(at));
  }
  const lastOf = (count: string | undefined) => count && Number(BigInt(count) - 1n);
  for (const [what, value] of [
    ['epoch_ending_epoch', progress.epoch],
    ['epoch_ending_version', progress.epoch_version],
    ['transaction_version', progress.version],
    ['state_snapshot_version', progress.snapshot_version],
    ['state_snapshot_leaf_index', lastOf(progress.items)],
    ['state_snapshot_target_leaf_index', lastOf(progress.of_items)],
  ] as const) {
    const name = `aptos_db_backup_verify_${what}`;
    metrics.gauge(name, 'How far the newest verification has come', value && Number(value));
  }
}

/** Collects samples. Leaves out values that are unknown. */
class Metrics {
  private readonly registry = new Registry();

  gauge(name: string, help: string, value: Value, labels: Record<string, string> = {}): void {
    if (!isNumber(value)) return;
    const known = this.registry.getSingleMetric(name) as Gauge | undefined;
    (known ?? new Gauge(this.definition(name, help, labels))).set(labels, value);
  }

  counter(name: string, help: string, value: Value, labels: Record<string, string> = {}): void {
    if (!isNumber(value)) return;
    const known = this.registry.getSingleMetric(name) as Counter | undefined;
    (known ?? new Counter(this.definition(name, help, labels))).inc(labels, value);
  }

  async text(): Promise<{ text: string; type: string }> {
    const text = await this.registry.metrics();
    return { text: text.trimEnd(), type: this.registry.contentType };
  }

  private definition(name: string, help: string, labels: Record<string, string>) {
    return { name, help, labelNames: Object.keys(labels), registers: [this.registry] };
  }
}

type Value = number | string | undefined;
const isNumber = (value: Value): value is number => typeof value === 'number' && !isNaN(value);
