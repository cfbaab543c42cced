import { Counter, Gauge, Registry } from 'prom-client';
import type { LiveStatus } from '../client/coordinator.js';
import { type Health, LEVELS } from '../client/health.js';
import { heartbeatAt, workDoneAt } from '../client/work-done.js';
import { STREAMS } from '../plan/coordinator.js';

/** The stock tool's gauges, so that its dashboards go on working. */
const NEWEST = {
  epoch_ending: 'aptos_db_backup_coordinator_epoch_ending_epoch',
  state_snapshot: 'aptos_db_backup_coordinator_state_snapshot_epoch',
  transaction: 'aptos_db_backup_coordinator_transaction_version',
} as const;

const seconds = (at: string) => Date.parse(at) / 1000;

/**
 * Prometheus text of a status. Names that begin with aptos_db_backup_ and aptos_backup_metadata_ are
 * the stock tool's and mean the same, but for the heartbeat: it is green only when work is done.
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
    ofVerification(metrics, status);
  }
  return metrics.text();
}

function ofCoordinator(metrics: Metrics, status: LiveStatus): void {
  const { seen, alarms, runs, startedAt, metadataFiles, historyEvents, taskAttempts } = status;
  metrics.gauge(
    'aptos_db_backup_coordinator_heartbeat_timestamp_s',
    'When all streams that are not paused had last done what they should, unix seconds',
    heartbeatAt(status) / 1000,
  );
  metrics.gauge('aptos_backup_metadata_num_files', 'Metadata files of the storage', metadataFiles);
  metrics.gauge(
    'aptos_backup_node_seen_timestamp_seconds',
    'When the node last answered',
    seen && seconds(seen.at),
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
    seconds(startedAt),
  );
  metrics.counter('aptos_backup_coordinator_runs_total', 'Runs of the coordinator workflow', runs);
  metrics.gauge(
    'aptos_backup_coordinator_history_events',
    'Events of its present run',
    historyEvents,
  );
  metrics.gauge(
    'aptos_backup_coordinator_task_attempts',
    'How often its open workflow task was tried',
    taskAttempts,
  );
}

function ofStream(metrics: Metrics, status: LiveStatus, stream: (typeof STREAMS)[number]): void {
  const s = status.streams[stream];
  const unit = status.progress[stream];
  const labels = { stream };
  metrics.gauge(NEWEST[stream], 'Newest in backup', s.newest && Number(s.newest));
  const gauges: [string, string, number | string | undefined][] = [
    ['lag', 'Epochs or versions behind the node', s.lag && Number(s.lag)],
    ['lag_seconds', 'The same in time', s.lagSeconds],
    ['holes', 'Gaps below the newest that is stored, up to 20', s.holes.length],
    ['failed_units', 'Units that failed and rest', s.failedCount],
    ['quarantined_units', 'Those of them with what no worker survives', s.quarantined.length],
    ['paused', '1 while the stream is paused', s.state === 'paused' ? 1 : 0],
    ['due', '1 while something is there to be stored', s.dueSince ? 1 : 0],
    ['unit_attempts', 'How often the unit in the making was begun', s.current?.attempts],
    ['unit_records', 'Records of the unit in the making', unit?.total],
    ['unit_records_done', 'Those of them that are stored or in hand', unit?.done],
    [
      'prune_edge_versions',
      'Versions until the node prunes what comes next',
      s.pruneEdge?.versions,
    ],
    ['prune_edge_seconds', 'The same in time', s.pruneEdge?.seconds],
    [
      'last_commit_timestamp_seconds',
      'Of the last commit',
      s.lastCommit && seconds(s.lastCommit.at),
    ],
    [
      'work_done_timestamp_seconds',
      'When the stream had last done what it should',
      workDoneAt(status, stream) / 1000,
    ],
  ];
  for (const [name, help, value] of gauges) {
    metrics.gauge(`aptos_backup_${name}`, help, value, labels);
  }
  const counters: [string, string, number][] = [
    ['units', 'Units committed', s.committed],
    ['records', 'Records in them', Number(s.committedRecords)],
    ['bytes', 'Bytes in them', s.committedBytes],
  ];
  for (const [what, help, value] of counters) {
    metrics.counter(`aptos_backup_committed_${what}_total`, help, value, labels);
  }
  for (const [code, times] of Object.entries(s.failures)) {
    const help = 'Units that failed, by code';
    metrics.counter('aptos_backup_unit_failures_total', help, times, { stream, code });
  }
}

function ofVerification(metrics: Metrics, { verification }: LiveStatus): void {
  const { startedAt, succeededAt, failedAt, progress = {} } = verification ?? {};
  for (const [what, at] of [
    ['start', startedAt],
    ['succeed', succeededAt],
    ['fail', failedAt],
  ] as const) {
    const name = `aptos_db_backup_verify_coordinator_${what}_timestamp_s`;
    metrics.gauge(name, 'Of the newest verification', at && seconds(at));
  }
  const lastOf = (count: string | undefined) => count && Number(BigInt(count) - 1n);
  for (const [what, value] of [
    ['epoch_ending_epoch', progress.epoch],
    ['epoch_ending_version', progress.epochVersion],
    ['transaction_version', progress.version],
    ['state_snapshot_version', progress.snapshotVersion],
    ['state_snapshot_leaf_index', lastOf(progress.items)],
    ['state_snapshot_target_leaf_index', lastOf(progress.ofItems)],
  ] as const) {
    const name = `aptos_db_backup_verify_${what}`;
    metrics.gauge(name, 'How far the newest verification has come', value && Number(value));
  }
}

/** Collects samples; what is not known is left out. */
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
