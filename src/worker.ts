import { pathToFileURL, fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createCoordinatorActivities } from './activities/coordinator.js';
import { noteStrayError } from './activities/hand-back.js';
import { createRangeActivities } from './activities/range.js';
import { Sites } from './activities/sites.js';
import { tellSupervisor } from './activities/tell-supervisor.js';
import { createUnitActivities } from './activities/units.js';
import { createVerifyActivities } from './activities/verify.js';
import { RangeThreads } from './backup/thread/range-threads.js';
import { builtProgram } from './built.js';
import { dataFolder } from './data-folder.js';
import { collectTraffic, handOnTraffic } from './node/traffic.js';
import { APART_QUEUE, CHUNK_QUEUE, CONTROL_QUEUE } from './plan/messages.js';
import { storageDeadlineMs } from './storage/deadlines.js';
import { configuredServer } from './temporal/connection.js';
import { type Say, reasonOf } from './temporal/errors.js';
import { exitProcess, leaveWhenStorageHangs } from './temporal/supervision/hung-storage.js';
import { tell } from './temporal/supervision/in-flight.js';
import { ensureSearchAttributes } from './temporal/search-attributes.js';
import { withoutSecrets } from './temporal/supervision/secrets.js';
import { stopWithParent, tellAlive } from './temporal/supervision/supervised.js';
import { connectWithRetry } from './temporal/worker-connection.js';
import type { WorkerRole } from './temporal/supervision/worker-group.js';
import { newMark, workerIdentity } from './temporal/supervision/worker-identity.js';
import {
  CACHED_WORKFLOWS,
  chunkSlots,
  workerRole,
} from './temporal/supervision/worker-settings.js';

const ASK_SERVER_MS = 5_000;
const TRAFFIC_MS = 1_000;
const STRAY_EXIT_CODE = 70;
const HUNG_EXIT_CODE = 75;
const LOCAL_SERVER = { address: '127.0.0.1:7233' };

interface WorkerOptions {
  role: WorkerRole;
  /** Of this process: temporal/supervision/worker-identity.ts. */
  mark: string;
  /** Where verified epoch endings are kept between runs. */
  dataDir: string;
  /** Chunks at once. */
  slots: number;
  say: Say;
}

/**
 * One worker process: workflows and the activities that plan, watch and commit; or the activities that
 * move chunks; or, one at a time, those that move chunks, plan or commit (temporal/supervision/worker-group.ts). Runs until it is told to stop (SIGTERM, SIGINT);
 * then what it had in hand is handed back to the server at once. Resolves with the exit code.
 */
async function runWorker(options: WorkerOptions): Promise<number> {
  Runtime.install({ logger: new DefaultLogger('WARN'), shutdownSignals: [] });
  const server = configuredServer();
  const namespace = server?.namespace ?? 'default';
  const stopping = new AbortController();
  let exitCode = 0;
  const stop = () => stopping.abort();
  const stray = (error: unknown) => {
    // Neighbours of a stray error are handed back in order before the process is replaced.
    console.error('stray error; this worker stops:', error);
    exitCode = STRAY_EXIT_CODE;
    const message = withoutSecrets(reasonOf(error), process.env);
    noteStrayError(message);
    tell({ stray: { message, stack: (error instanceof Error && error.stack) || message } });
    stop();
  };
  leaveWhenStorageHangs((reason) => {
    console.error(`this worker is to be replaced: ${reason}`);
    tell({ leaving: reason });
    exitCode = HUNG_EXIT_CODE;
    stop();
  });
  process.on('SIGTERM', stop).on('SIGINT', stop);
  process.on('unhandledRejection', stray).on('uncaughtException', stray);

  const { signal } = stopping;
  const connection = await connectWithRetry(server?.connectionOptions ?? LOCAL_SERVER, {
    say: options.say,
    signal,
  });
  await ensureSearchAttributes(connection, namespace);
  const sites = new Sites(options.dataDir);
  const threads = new RangeThreads();
  const workers = await createWorkers(connection, namespace, options, { sites, threads });
  const shutdown = () => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  signal.addEventListener('abort', shutdown);
  options.say(
    `Working on ${options.role} for ${server?.address ?? LOCAL_SERVER.address}, namespace ${namespace}`,
  );
  collectTraffic();
  const tellTraffic = () => handOnTraffic((traffic) => tell({ traffic }));
  const telling = setInterval(tellTraffic, TRAFFIC_MS);
  let asking: NodeJS.Timeout | undefined;
  try {
    const runs = workers.map((worker) => worker.run().finally(stop));
    if (signal.aborted) shutdown();
    asking = tellConnected(connection);
    await Promise.all(runs);
  } finally {
    clearInterval(asking);
    await threads.close();
    await sites.close();
    clearInterval(telling);
    tellTraffic();
    await connection.close();
  }
  return exitCode;
}

/** Tells the supervisor, now and every few seconds, whether the server answers a worker that polls. */
function tellConnected(connection: NativeConnection): NodeJS.Timeout {
  const ask = () =>
    void connection
      .withDeadline(Date.now() + ASK_SERVER_MS, () => connection.workflowService.getSystemInfo({}))
      .then(
        () => tell({ connected: true }),
        () => tell({ connected: false }),
      );
  ask();
  return setInterval(ask, ASK_SERVER_MS);
}

async function createWorkers(
  connection: NativeConnection,
  namespace: string,
  { role, slots, mark }: WorkerOptions,
  tools: { sites: Sites; threads: RangeThreads },
): Promise<Worker[]> {
  const common = {
    connection,
    namespace,
    identity: workerIdentity(process.pid, mark),
    shutdownForceTime: '20 seconds' as const,
    maxHeartbeatThrottleInterval: '5 seconds' as const,
    interceptors: { activity: [tellSupervisor] },
  };
  const verify = createVerifyActivities();
  const workflows = () =>
    Worker.create({
      ...common,
      taskQueue: CONTROL_QUEUE,
      workflowBundle: { codePath: fileURLToPath(builtProgram('workflow-bundle.js')) },
      activities: {
        ...createUnitActivities(tools),
        ...createCoordinatorActivities(tools),
        ...verify.control,
      },
      // Most of them only wait: for a node, or for a backup.
      maxConcurrentActivityTaskExecutions: 50,
      maxCachedWorkflows: CACHED_WORKFLOWS,
    });
  const forChunks = { ...createRangeActivities(tools), ...verify.chunks };
  const chunks = (taskQueue: string, atOnce: number, activities: object = forChunks) =>
    Worker.create({
      ...common,
      taskQueue,
      activities,
      maxConcurrentActivityTaskExecutions: atOnce,
    });
  switch (role) {
    case 'workflows':
      return [await workflows()];
    case 'chunks':
      return [await chunks(CHUNK_QUEUE, slots)];
    case 'apart':
      return [await chunks(APART_QUEUE, 1, { ...forChunks, ...createUnitActivities(tools) })];
  }
}

async function main(): Promise<void> {
  stopWithParent();
  tellAlive();
  // A log on a full disk, or a terminal that is gone, is no reason to stop.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const say: Say = (line) => console.log(line);
  try {
    storageDeadlineMs(); // a mistake in it is told now
    const slots = chunkSlots(process.env);
    const role = workerRole(process.env);
    const mark = process.argv[2] ?? newMark();
    exitProcess(await runWorker({ role, mark, dataDir: dataFolder(), slots, say }));
  } catch (error) {
    console.error(`aptos-backup worker: ${reasonOf(error)}`);
    process.exit(1);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
