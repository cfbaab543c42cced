import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import { type BackupInput, startBackup } from '../../src/client/start-backup.js';
import type { BackupType } from '../../src/contract/job.js';
import type { BackupResult } from '../../src/contract/unit.js';
import { type WorkerGroup, superviseWorkers } from '../../src/supervisor/worker-group.js';
import { contentOf, devnode, fetchBytes, storageFolder } from './backup.js';
import { startTemporal } from './temporal.js';
import type { DevnodeOptions } from '../../src/devnode/devnode.js';

interface Workers {
  env?: NodeJS.ProcessEnv;
  chunkWorkers?: number;
}

/** A Temporal server and workers, as real processes. */
async function startHost(workers: Workers = {}) {
  const session = await startTemporal();
  const said: string[] = [];
  const worker: WorkerGroup = superviseWorkers({
    ...workers,
    env: { ...session.workerEnv, ...workers.env },
    say: (line) => said.push(line),
    logFile: join(session.dataFolder, 'worker.log'),
  });
  const close = async () => {
    worker.kill();
    await session.close();
  };
  return { session, worker, said, close };
}

type Host = Awaited<ReturnType<typeof startHost>>;

/**
 * One server and its workers for all tests of a file that leave them alone: their start takes seconds of CPU. All nodes of
 * one seed must have the same chain, because the workers remember it.
 */
export function sharedHost(): () => Host {
  let host: Host;
  beforeAll(async () => void (host = await startHost()), 120_000);
  afterAll(() => host.close());
  return () => host;
}

/** Everything an operator runs, as real processes: a node, a Temporal server, a worker, a storage. */
export async function startSite(
  options: DevnodeOptions = {},
  {
    nodeAt = (address) => Promise.resolve(address),
    host,
    ...workers
  }: Workers & {
    /** The address for requests: a proxy before the node. */
    nodeAt?: (address: string) => Promise<string>;
    /** A server and workers that are there. */
    host?: Host;
  } = {},
) {
  const node = await devnode(options);
  const { session, worker, said, close } = host ?? (await startHost(workers));
  if (!host) onTestFinished(close);
  const folder = storageFolder();
  const started: string[] = [];
  const common = {
    node: await nodeAt(node.address),
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
    /** The ids of its workflows. */
    started,
    start: async (type: BackupType, range: object, extra: object = {}) => {
      const input = { ...common, ...range, ...extra } as BackupInput;
      const handle = await startBackup(session.client, type, input);
      started.push(handle.workflowId);
      return handle;
    },
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

/** Each of the three backups holds, byte for byte, everything that the node serves of its kind. */
export async function expectWholeNode(
  { node, folder }: Pick<Awaited<ReturnType<typeof startSite>>, 'node' | 'folder'>,
  results: readonly BackupResult[],
): Promise<void> {
  const { version, epoch, epoch_ends: ends } = node.facts();
  const paths = [
    `/epoch_ending_ledger_infos/0/${epoch}`,
    `/state_snapshot/${ends.at(-1)}`,
    `/transactions/0/${version + 1}`,
  ];
  expect(results).toHaveLength(paths.length);
  for (const [i, path] of paths.entries()) {
    expect(contentOf(folder, results[i]!).payload).toEqual(await fetchBytes(node.address + path));
  }
}

/** Whether a request for a range proof is about one version. */
export function isOfOne(path: string): boolean {
  const [first, last] = path.split('/').slice(-2);
  return first === last;
}

/** How often the ranges of each stream were requested, without the samples of plans. */
export function rangeRequests(requests: Record<string, number>, endpoint: string): string[] {
  return Object.entries(requests).flatMap(([path, times]) =>
    path.startsWith(`/${endpoint}/`) ? Array.from({ length: times }, () => path) : [],
  );
}
