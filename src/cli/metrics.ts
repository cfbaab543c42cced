import { Gauge, Registry } from 'prom-client';
import type { LiveStatus } from '../client/coordinator.js';
import { type Health, LEVELS } from '../client/health.js';

/**
 * Prometheus text of a status. The first four have the stock tool's names and meanings, so that its
 * dashboards go on working.
 */
export async function metricsOf(
  status: LiveStatus | undefined,
  { level }: Health,
): Promise<{ text: string; type: string }> {
  const registry = new Registry();
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name, help, labelNames, registers: [registry] });

  gauge('aptos_backup_health', '0 ok, 1 warning, 2 critical').set(LEVELS.indexOf(level));
  if (status) {
    const { streams, seen, alarms, runs } = status;
    if (seen) {
      gauge(
        'aptos_db_backup_coordinator_heartbeat_timestamp_s',
        'When the node was last seen, unix seconds',
      ).set(Date.parse(seen.at) / 1000);
      gauge('aptos_backup_node_version', 'Newest version of the node').set(Number(seen.version));
    }
    const newest = {
      epoch_ending: 'aptos_db_backup_coordinator_epoch_ending_epoch',
      state_snapshot: 'aptos_db_backup_coordinator_state_snapshot_epoch',
      transaction: 'aptos_db_backup_coordinator_transaction_version',
    } as const;
    const labels = ['stream'];
    const lag = gauge('aptos_backup_lag', 'Epochs or versions behind the node', labels);
    const failed = gauge('aptos_backup_failed_units', 'Units that failed and rest', labels);
    const committed = gauge('aptos_backup_committed_units', 'Units committed', labels);
    const at = gauge('aptos_backup_last_commit_timestamp_s', 'Unix seconds', labels);
    const holes = gauge('aptos_backup_holes', 'Gaps below the newest that is stored', labels);
    for (const [stream, s] of Object.entries(streams)) {
      const name = newest[stream as keyof typeof newest];
      if (s.newest !== undefined) gauge(name, 'Newest in backup').set(Number(s.newest));
      if (s.lag !== undefined) lag.set({ stream }, Number(s.lag));
      if (s.lastCommit) at.set({ stream }, Date.parse(s.lastCommit.at) / 1000);
      failed.set({ stream }, s.failed.length);
      committed.set({ stream }, s.committed);
      holes.set({ stream }, s.holes.length);
    }
    const raised = gauge('aptos_backup_alarm', '1 for each alarm that is raised', ['code']);
    for (const { code } of alarms) raised.set({ code }, 1);
    gauge('aptos_backup_coordinator_runs', 'Runs of the coordinator workflow').set(runs);
  }
  return { text: (await registry.metrics()).trimEnd(), type: registry.contentType };
}
