import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type BackupInput, startBackup } from '../../src/client/start.js';
import type { BackupType } from '../../src/plan/job.js';
import type { BackupResult } from '../../src/plan/unit.js';
import { type WorkerGroup, superviseWorkers } from '../../src/temporal/supervision/worker-group.js';
import { devnode, storageFolder } from './backup.js';
import { startTemporal } from './temporal.js';
import type { DevnodeOptions } from '../../src/devnode/devnode.js';

/** Everything an operator runs, as real processes: a node, a Temporal server, a worker, a storage. */
export async function startSite(
  options: DevnodeOptions = {},
  workers: { env?: NodeJS.ProcessEnv; chunkWorkers?: number } = {},
) {
  const node = await devnode(options);
  const session = await startTemporal();
  onTestFinished(() => session.close());
  const folder = storageFolder();
  const said: string[] = [];
  const worker: WorkerGroup = superviseWorkers({
    ...workers,
    env: { ...session.workerEnv, ...workers.env },
    say: (line) => said.push(line),
    logFile: join(session.dataFolder, 'worker.log'),
  });
  onTestFinished(() => worker.kill());
  const common = {
    node: node.address,
    storage: { local_fs_dir: folder },
    max_chunk_size: 20_000,
    when_blocked: 'fail' as const,
  };
  return {
    node,
    session,
    folder,
    worker,
    said,
    start: (type: BackupType, range: object, extra: object = {}) =>
      startBackup(session.client, type, { ...common, ...range, ...extra } as BackupInput),
    /** All three backups of everything the node has. */
    async backUpAll(extra: object = {}): Promise<BackupResult[]> {
      const { epoch, version } = node.facts();
      const handles = [
        await this.start('epoch_ending', { start_epoch: 0, end_epoch: epoch }, extra),
        await this.start('state_snapshot', { epoch: epoch - 1 }, extra),
        await this.start('transaction', { start_version: 0, num_transactions: version + 1 }, extra),
      ];
      return Promise.all(handles.map((handle) => handle.result()));
    },
  };
}

/** How often the ranges of each stream were asked for, without the samples that planning takes. */
export function rangeRequests(requests: Record<string, number>, endpoint: string): string[] {
  return Object.entries(requests).flatMap(([path, times]) =>
    path.startsWith(`/${endpoint}/`) ? Array.from({ length: times }, () => path) : [],
  );
}
