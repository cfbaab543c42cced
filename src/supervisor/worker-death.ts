import { readdir, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, Client, Connection } from '@temporalio/client';
import { failureOf } from '../contract/failure.js';
import { CONTROL_QUEUE, WORKER_DIED } from '../contract/messages.js';
import { configuredServer } from '../temporal/connection.js';
import { type Say, reasonOf } from '../temporal/temporal-error.js';
import type { InFlight } from './in-flight.js';
import { makeMissing } from '../lib/host/make-folders.js';
import { runsCommandWith } from '../lib/host/process-info.js';
import { withoutSecrets } from '../lib/without-secrets.js';
import { parseIdentity } from './worker-identity.js';

/** How a worker process died, and what it was working on. */
export interface WorkerDeath {
  /** The worker's name in messages, e.g. `Chunk worker 2`. */
  name: string;
  pid: number;
  /** The worker's name at the Temporal server (supervisor/worker-identity.ts). */
  identity: string;
  /** For example `was killed by SIGKILL` or `ended with code 1 (last line of its log)`. */
  how: string;
  /** Stack of the error that ended the worker, if there was one. */
  stack?: string;
  inFlight: InFlight[];
}

interface Reporter {
  env: NodeJS.ProcessEnv;
  say: Say;
}

/** Returns the failure for the activities of a worker, by its identity; undefined: they are left alone. */
type FailureFor = (identity: string) => ApplicationFailure | undefined;

const REPORTS_KEPT = 50;
/** After so long without a server we give up: heartbeat timeouts will then fail the activities. */
const LONGEST_MS = 25_000;
const RETRY_MS = 1_000;
const LOOKS = 3;
/** Time limit for all requests of one report, however slowly the server answers. */
const REPORT_MS = 15_000;
const MOST_WORKFLOWS = 200;
/** All our workflows use this task queue. On a shared server no other project uses it. */
const RUNNING = `ExecutionStatus = "Running" AND TaskQueue = "${CONTROL_QUEUE}"`;
/** `PENDING_ACTIVITY_STATE_STARTED`, by its number in the Temporal API. */
const STARTED = 2;
const MOST_NAMED = 4;

/**
 * Fails the activities of a dead worker at the server, so that their next attempts begin at once and not
 * only after the heartbeat timeout. Writes a crash report into the data folder. Never throws.
 */
export async function reportDeath(death: WorkerDeath, reporter: Reporter): Promise<void> {
  const { env, say } = reporter;
  const folder = env['APTOS_BACKUP_DATA_DIR'];
  const file = folder === undefined ? undefined : await leaveReport(folder, death, reporter);
  try {
    await failAttempts(death, file, env);
  } catch (error) {
    say(`The activities of ${death.name} could not be reported as failed: ${reasonOf(error)}`);
  }
}

async function failAttempts(
  { pid, identity, how, inFlight }: WorkerDeath,
  file: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const where = file === undefined ? '' : `; report: ${file}`;
  const failure = workerDied(`worker process ${pid} on ${hostname()} ${how}${where}`);
  await atServer(env, async (client) => {
    await Promise.all(
      inFlight.map(async ({ token, lastHeartbeat }) => {
        const attempt = Buffer.from(token, 'base64');
        // The token is valid for one attempt. If that has ended meanwhile, there is nothing left to fail.
        const ignore = () => undefined;
        const last = lastHeartbeat?.details;
        if (last) await client.activity.heartbeat(attempt, withDeath(last)).catch(ignore);
        await client.activity.fail(attempt, failure).catch(ignore);
      }),
    );
    await failRepeatedly(client, RETRY_MS, (worker) => (worker === identity ? failure : undefined));
  });
}

/**
 * Fails the activities of workers of this host that died together with their supervisor: nobody has
 * reported them yet. Use it only with a server that workers of no other host use. Never throws.
 */
export async function reportLeftBehind({ env, say }: Reporter): Promise<void> {
  const failureFor = (identity: string) => {
    const worker = parseIdentity(identity);
    if (worker?.host !== hostname() || runsCommandWith(worker.pid, worker.mark)) return undefined;
    return workerDied(`worker process ${worker.pid} on ${worker.host} died with its supervisor`);
  };
  try {
    await atServer(env, (client) => failRepeatedly(client, 2 * RETRY_MS, failureFor));
  } catch (error) {
    say(`The activities of earlier workers could not be searched for: ${reasonOf(error)}`);
  }
}

async function atServer(
  env: NodeJS.ProcessEnv,
  work: (client: Client) => Promise<void>,
): Promise<void> {
  const { connection, namespace } = await connect(env);
  try {
    const client = new Client({ connection, namespace });
    await client.withDeadline(Date.now() + REPORT_MS, () => work(client));
  } finally {
    await connection.close();
  }
}

/** Looks several times: the server may still hand out an activity that the dead worker asked for. */
async function failRepeatedly(
  client: Client,
  everyMs: number,
  failureFor: FailureFor,
): Promise<void> {
  for (let look = 0; look < LOOKS; look += 1) {
    await failStarted(client, failureFor);
    await sleep(everyMs);
  }
}

function workerDied(message: string): ApplicationFailure {
  const nextRetryDelay = '500 milliseconds';
  return failureOf(WORKER_DIED, message, { nextRetryDelay });
}

/** Heartbeat details carry counts of failures from attempt to attempt (activities/heartbeat.ts). Adds one death. */
function withDeath(details: object): object {
  const { failures } = details as { failures?: Record<string, number> };
  return {
    ...details,
    failures: { ...failures, [WORKER_DIED]: (failures?.[WORKER_DIED] ?? 0) + 1 },
  };
}

/**
 * Fails the started activities of dead workers, as the server lists them. `failureFor` says by its identity
 * whether a worker is dead. This also finds an activity that a worker received in its last moment and
 * could not report to its supervisor.
 */
async function failStarted(client: Client, failureFor: FailureFor): Promise<void> {
  let looked = 0;
  for await (const { workflowId, runId } of client.workflow.list({ query: RUNNING })) {
    if (++looked > MOST_WORKFLOWS) return; // heartbeat timeouts fail the rest
    const handle = client.workflow.getHandle(workflowId, runId);
    const { raw } = await handle.describe();
    for (const { state, lastWorkerIdentity, activityId } of raw.pendingActivities ?? []) {
      if (Number(state) !== STARTED || !lastWorkerIdentity || !activityId) continue;
      const failure = failureFor(lastWorkerIdentity);
      if (!failure) continue;
      await client.activity.fail({ workflowId, runId, activityId }, failure).catch(() => undefined);
    }
  }
}

async function connect(env: NodeJS.ProcessEnv) {
  const server = configuredServer(env);
  const options = server?.connectionOptions ?? {};
  // A server on this machine must not be reached through the proxy that the environment names.
  const local = /^(127\.0\.0\.1|localhost):/.test(server?.address ?? 'localhost:');
  const channelArgs = local ? { 'grpc.enable_http_proxy': 0 } : {};
  const deadline = Date.now() + LONGEST_MS;
  for (;;) {
    try {
      const connection = await Connection.connect({ ...options, channelArgs });
      return { connection, namespace: server?.namespace ?? 'default' };
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(RETRY_MS);
    }
  }
}

/** Writes the crash report and says where it is. Returns its path; undefined if it could not be written. */
async function leaveReport(dataFolder: string, death: WorkerDeath, { env, say }: Reporter) {
  const { name, pid, inFlight } = death;
  const named = inFlight.slice(0, MOST_NAMED).map(describeInFlight);
  const more = inFlight.length - named.length;
  const hand = [...named, ...(more > 0 ? [`${more} more`] : [])].join(', ') || 'nothing';
  try {
    const file = await writeReport(path.join(dataFolder, 'crashes'), death, env);
    say(`${name}, process ${pid}, had in hand: ${hand}; crash report: ${file}`, 'warn');
    return file;
  } catch (error) {
    const why = reasonOf(error);
    say(
      `${name}, process ${pid}, had in hand: ${hand}; no crash report could be written: ${why}`,
      'warn',
    );
    return undefined;
  }
}

/** The id of a workflow names its storage, and the backup that it makes. */
export function describeInFlight({ activity, range, workflowId, attempt }: InFlight): string {
  const what = range === undefined ? activity : `${activity} ${range}`;
  return `${what} of ${workflowId} (attempt ${attempt})`;
}

/** Writes one file for each death and removes all but the newest fifty. Returns the path. */
async function writeReport(folder: string, death: WorkerDeath, env: NodeJS.ProcessEnv) {
  const { name, pid, how, stack, inFlight } = death;
  await makeMissing(folder);
  const at = new Date().toISOString();
  const file = path.join(folder, `${at.replaceAll(':', '-')}-${pid}.json`);
  const working = inFlight.map(({ token: _, workflowId, since, lastHeartbeat, ...activity }) => ({
    ...activity,
    workflow_id: workflowId,
    since: new Date(since).toISOString(),
    last_heartbeat: lastHeartbeat && {
      ...lastHeartbeat,
      at: new Date(lastHeartbeat.at).toISOString(),
    },
  }));
  const report = {
    ...{ at, host: hostname(), worker: name, pid, how },
    stack: stack?.split('\n'),
    working_on: working,
  };
  const clean = (_: string, value: unknown): unknown =>
    typeof value === 'string' ? withoutSecrets(value, env) : value;
  try {
    await writeFile(file, `${JSON.stringify(report, clean, 2)}\n`);
  } catch (error) {
    await rm(file, { force: true }); // it may be half written
    throw error;
  }
  const old = (await readdir(folder)).sort().slice(0, -REPORTS_KEPT);
  await Promise.all(old.map((name) => rm(path.join(folder, name), { force: true })));
  return file;
}
