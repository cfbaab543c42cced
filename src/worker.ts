import { pathToFileURL, fileURLToPath } from 'node:url';
import {
  DefaultLogger,
  type LogEntry,
  NativeConnection,
  Runtime,
  Worker,
  makeTelemetryFilterString,
} from '@temporalio/worker';
import { createAttributeActivities } from './activities/attribute-activities.js';
import { gcActivities } from './activities/gc-activities.js';
import { createCopyActivities } from './activities/copy-activities.js';
import { createCoordinatorActivities } from './activities/coordinator-activities.js';
import { createDrillActivities } from './activities/drill-activities.js';
import { noteStrayError } from './activities/hand-back.js';
import { carefulActivity } from './activities/interceptor.js';
import { NodeGates } from './activities/node-gates.js';
import { createRangeActivities } from './activities/range-activities.js';
import { Sites } from './activities/sites.js';
import { createKeptCopyActivities } from './activities/kept-copy-activities.js';
import { createUnitActivities } from './activities/unit-activities.js';
import { createUpkeepActivities } from './activities/upkeep-activities.js';
import { createConsolidateActivities } from './activities/consolidate-activities.js';
import { createVerifyActivities } from './activities/verify-activities.js';
import { RangeThreads } from './backup/range/range-threads.js';
import { builtProgram } from './lib/host/built.js';
import { dataFolder, keepCachesIn } from './lib/host/data-folder.js';
import { namedStack } from './lib/host/named-stack.js';
import { type Log, jsonLog, logsAsJson, stampedLog } from './lib/host/log.js';
import { collectTraffic, handOnTraffic } from './node/traffic.js';
import { codeOfFailure } from './contract/failure.js';
import { APART_QUEUE, CHUNK_QUEUE, CONTROL_QUEUE } from './contract/messages.js';
import { storageDeadlineMs } from './storage/deadlines.js';
import { onRemark } from './storage/remarks.js';
import { configuredServer } from './temporal/connection.js';
import { type Say, reasonOf } from './temporal/temporal-error.js';
import { exitProcess, leaveWhenStorageHangs } from './supervisor/hung-storage.js';
import { tell } from './supervisor/in-flight.js';
import { ensureSearchAttributes } from './temporal/register-attributes.js';
import { withoutSecrets } from './lib/without-secrets.js';
import { stopWithParent, tellAlive } from './supervisor/supervised.js';
import { mayWait } from './temporal/waiting-tasks.js';
import { connectWithRetry } from './temporal/worker-connection.js';
import type { WorkerRole } from './supervisor/worker-group.js';
import { newMark, workerIdentity } from './supervisor/worker-identity.js';
import { CACHED_WORKFLOWS, PLACES, chunkSlots, workerRole } from './supervisor/worker-settings.js';

const ASK_SERVER_MS = 5_000;
const TRAFFIC_MS = 1_000;
const STRAY_EXIT_CODE = 70;
const HUNG_EXIT_CODE = 75;
const LOCAL_SERVER = { address: '127.0.0.1:7233' };

/** What goes wrong inside the SDK's native part, and not each of its calls. */
const QUIET_CORE = makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' });
let log: Log = stampedLog;

interface WorkerOptions {
  role: WorkerRole;
  /** The identity of this process: supervisor/worker-identity.ts. */
  mark: string;
  /** Folder for verified epoch endings. */
  dataDir: string;
  /** Number of chunks at the same time. */
  slots: number;
  say: Say;
}

/**
 * One worker process, in one of three roles (supervisor/worker-group.ts): workflows and the activities
 * that plan, watch and commit; the activities that move chunks; or suspected activities, one at a time.
 * Runs until it is told to stop (SIGTERM, SIGINT). Then it hands its activities back to the server at
 * once. Resolves with the exit code.
 */
async function runWorker(options: WorkerOptions): Promise<number> {
  installRuntime();
  const server = configuredServer();
  const namespace = server?.namespace ?? 'default';
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  let exitCode = 0;
  stopWhenTold((code) => {
    exitCode = code ?? exitCode;
    stop();
  });
  onRemark((text) => log(`note: ${text}`, 'warn'));
  const { signal } = stopping;
  const { say } = options;
  const connecting = connectWithRetry(server?.connectionOptions ?? LOCAL_SERVER, { say, signal });
  const connection = await connecting.catch((error: unknown) => {
    if (!signal.aborted) throw error;
    return undefined;
  });
  if (!connection) {
    say('Stopped before a Temporal server answered');
    return exitCode;
  }
  const sites = new Sites(options.dataDir, new NodeGates((text) => log(text, 'warn')));
  const threads = new RangeThreads();
  const tools = {
    sites,
    threads,
    attributes: await usableAttributes(connection, namespace, options),
  };
  const workers = await createWorkers(connection, namespace, options, tools);
  const shutdown = () => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  signal.addEventListener('abort', shutdown);
  say(
    `Working on ${options.role} for ${server?.address ?? LOCAL_SERVER.address}, namespace ${namespace}`,
  );
  collectTraffic();
  const tellTraffic = () => handOnTraffic((traffic) => tell({ traffic }));
  const telling = setInterval(tellTraffic, TRAFFIC_MS);
  let asking: NodeJS.Timeout | undefined;
  try {
    const runs = workers.map((worker) => worker.run().finally(stop));
    if (signal.aborted) shutdown();
    asking = tellConnected(connection, () => lookForOthers(connection, namespace, options.role));
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

/** Passes on what the SDK and its native part log, and leaves signals to us. */
function installRuntime(): void {
  Runtime.install({
    logger: new DefaultLogger('WARN', logEntry),
    telemetryOptions: { logging: { filter: QUIET_CORE, forward: {} } },
    shutdownSignals: [],
  });
}

/** Passes on what the SDK logs, as one line: what failed, of which workflow, with its error code and reason. */
function logEntry({ level, message, meta }: LogEntry): void {
  // The SDK warns of it at each start of a worker for chunks, which is meant to run activities alone.
  if (message.startsWith('No workflows registered, ')) return;
  const { error: why, activityType: activity, workflowId } = meta ?? {};
  const code = why instanceof Error ? codeOfFailure(why) : undefined;
  const text = [
    activity === undefined ? message : `${message}, ${String(activity)} of ${String(workflowId)}`,
    ...(code === undefined ? [] : [code]),
    ...(why instanceof Error ? [reasonOf(why)] : []),
  ].join(': ');
  const importance = level === 'ERROR' ? 'error' : level === 'WARN' ? 'warn' : 'info';
  log(text.split('\n')[0]!, importance, { code });
}

/** Calls `stop` when this process is told to end, and with an exit code when it must be replaced. */
function stopWhenTold(stop: (exitCode?: number) => void): void {
  const stray = (error: unknown) => {
    // After a stray error, the other activities are handed back in order before the process is replaced.
    log(`stray error; this worker stops: ${String(error).split('\n')[0]}`, 'error');
    const message = withoutSecrets(reasonOf(error), process.env);
    noteStrayError(message);
    const stack = (error instanceof Error && error.stack) || message;
    tell({ stray: { message, stack: namedStack(stack) } });
    stop(STRAY_EXIT_CODE);
  };
  leaveWhenStorageHangs((reason) => {
    log(`this worker must be replaced: ${reason}`, 'error');
    tell({ leaving: reason });
    stop(HUNG_EXIT_CODE);
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stop());
  process.on('unhandledRejection', stray).on('uncaughtException', stray);
}

/**
 * The search attributes that workflows may set. Says which ones are missing. Only workers of workflows
 * need them.
 */
async function usableAttributes(
  connection: NativeConnection,
  namespace: string,
  { role, say }: WorkerOptions,
): Promise<readonly string[]> {
  if (role !== 'workflows') return [];
  const { names, without } = await ensureSearchAttributes(connection, namespace);
  if (without !== undefined) say(without);
  return names;
}

/** The apart worker runs only while it has work. The worker of workflows looks whether something waits for it. */
async function lookForOthers(connection: NativeConnection, namespace: string, role: WorkerRole) {
  if (role !== 'workflows') return;
  if (await mayWait(connection, namespace, APART_QUEUE)) tell({ waits: 'apart' });
}

/**
 * Tells the supervisor, now and every few seconds, whether the server answers this worker. If it does, `next` is
 * called.
 */
function tellConnected(connection: NativeConnection, next: () => Promise<void>): NodeJS.Timeout {
  const ask = () =>
    void connection
      .withDeadline(Date.now() + ASK_SERVER_MS, () => connection.workflowService.getSystemInfo({}))
      .then(
        () => {
          tell({ connected: true });
          return next();
        },
        () => tell({ connected: false }),
      );
  ask();
  return setInterval(ask, ASK_SERVER_MS);
}

async function createWorkers(
  connection: NativeConnection,
  namespace: string,
  { role, slots, mark }: WorkerOptions,
  tools: { sites: Sites; threads: RangeThreads; attributes: readonly string[] },
): Promise<Worker[]> {
  const common = {
    connection,
    namespace,
    identity: workerIdentity(process.pid, mark),
    shutdownForceTime: '20 seconds' as const,
    maxHeartbeatThrottleInterval: '5 seconds' as const,
    interceptors: { activity: [carefulActivity] },
  };
  const verify = createVerifyActivities();
  const copy = createCopyActivities();
  const consolidate = createConsolidateActivities();
  const workflows = () =>
    Worker.create({
      ...common,
      taskQueue: CONTROL_QUEUE,
      workflowBundle: { codePath: fileURLToPath(builtProgram('workflow-bundle.js')) },
      activities: {
        ...createUnitActivities(tools),
        ...createCoordinatorActivities(tools),
        ...createUpkeepActivities(),
        ...createKeptCopyActivities(),
        ...verify.control,
        ...copy.control,
        ...createDrillActivities(),
        ...consolidate.control,
        ...gcActivities,
        ...createAttributeActivities(tools.attributes),
      },
      maxConcurrentActivityTaskExecutions: PLACES,
      maxCachedWorkflows: CACHED_WORKFLOWS,
    });
  const forChunks = {
    ...createRangeActivities(tools),
    ...verify.chunks,
    ...consolidate.chunks,
    ...copy.chunks,
  };
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
  // A full disk under a log, or a closed terminal, is no reason to stop.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  try {
    if (logsAsJson()) log = await jsonLog();
    storageDeadlineMs(); // report a mistake in it now
    const slots = chunkSlots(process.env);
    const role = workerRole(process.env);
    const mark = process.argv[2] ?? newMark();
    const dataDir = dataFolder();
    keepCachesIn(dataDir);
    exitProcess(await runWorker({ role, mark, dataDir, slots, say: log }));
  } catch (error) {
    log(`aptos-backup worker: ${reasonOf(error)}`, 'error');
    process.exit(1);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
