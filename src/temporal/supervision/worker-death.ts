import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, Client, Connection } from '@temporalio/client';
import { CONTROL_QUEUE, WORKER_DIED } from '../../plan/messages.js';
import { configuredServer } from '../connection.js';
import { type Say, reasonOf } from '../errors.js';
import type { InFlight } from './in-flight.js';
import { runsCommandWith } from '../process-info.js';
import { withoutSecrets } from './secrets.js';
import { parseIdentity } from './worker-identity.js';

/** How a worker process died, and what it had in hand. */
export interface WorkerDeath {
  /** What people know the worker by. */
  name: string;
  pid: number;
  /** What the server knows it by: temporal/supervision/worker-identity.ts. */
  identity: string;
  /** `was killed by SIGKILL`, `ended with code 1 (last line of its log)`. */
  how: string;
  /** Where an error came from, if it died of one. */
  stack?: string;
  inFlight: InFlight[];
}

interface Reporter {
  env: NodeJS.ProcessEnv;
  say: Say;
}

/** By the worker's identity; undefined leaves its work alone. */
type FailureFor = (identity: string) => ApplicationFailure | undefined;

const REPORTS_KEPT = 50;
/** A server that is away for longer has its heartbeat timeouts. */
const LONGEST_MS = 25_000;
const RETRY_MS = 1_000;
const LOOKS = 3;
/** All looks together, however slowly the server answers. */
const LOOKING_MS = 15_000;
const MOST_WORKFLOWS = 200;
/** All of our workflows are on this queue, and on a shared server nobody else's are. */
const RUNNING = `ExecutionStatus = "Running" AND TaskQueue = "${CONTROL_QUEUE}"`;
/** State of a pending activity, in the numbering of the Temporal API. */
const STARTED = 2;
const MOST_NAMED = 4;

/**
 * Fails what a dead worker had in hand, so that the next attempts begin at once instead of after the
 * heartbeat timeout, and leaves a crash report in the data folder. Never throws.
 */
export async function reportDeath(death: WorkerDeath, reporter: Reporter): Promise<void> {
  const { env, say } = reporter;
  const folder = env['APTOS_BACKUP_DATA_DIR'];
  const file = folder === undefined ? undefined : await leaveReport(folder, death, reporter);
  try {
    await failAttempts(death, file, env);
  } catch (error) {
    say(`What ${death.name} had in hand could not be reported: ${reasonOf(error)}`);
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
        // Ended, timed out or begun again meanwhile: the token is of one attempt.
        const inVain = () => undefined;
        const last = lastHeartbeat?.details;
        if (last) await client.activity.heartbeat(attempt, withDeath(last)).catch(inVain);
        await client.activity.fail(attempt, failure).catch(inVain);
      }),
    );
    await lookFor(client, RETRY_MS, (worker) => (worker === identity ? failure : undefined));
  });
}

/**
 * The same for what workers of this host had in hand that died together with their supervisor, and so
 * were reported by nobody. Only for a server that no other host's workers use. Never throws.
 */
export async function reportLeftBehind({ env, say }: Reporter): Promise<void> {
  const failureFor = (identity: string) => {
    const worker = parseIdentity(identity);
    if (worker?.host !== hostname() || runsCommandWith(worker.pid, worker.mark)) return undefined;
    return workerDied(`worker process ${worker.pid} on ${worker.host} died with its supervisor`);
  };
  try {
    await atServer(env, (client) => lookFor(client, 2 * RETRY_MS, failureFor));
  } catch (error) {
    say(`What earlier workers had in hand could not be looked for: ${reasonOf(error)}`);
  }
}

async function atServer(
  env: NodeJS.ProcessEnv,
  work: (client: Client) => Promise<void>,
): Promise<void> {
  const { connection, namespace } = await connect(env);
  try {
    const client = new Client({ connection, namespace });
    await client.withDeadline(Date.now() + LOOKING_MS, () => work(client));
  } finally {
    await connection.close();
  }
}

/** More than once: the server may just be giving out what the dead one asked for. */
async function lookFor(client: Client, everyMs: number, failureFor: FailureFor): Promise<void> {
  for (let look = 0; look < LOOKS; look += 1) {
    await failStarted(client, failureFor);
    await sleep(everyMs);
  }
}

function workerDied(message: string): ApplicationFailure {
  const nextRetryDelay = '500 milliseconds';
  return ApplicationFailure.create({ message, type: WORKER_DIED, nextRetryDelay });
}

/** What the attempts tell each other (activities/heartbeat.ts), with one more death in it. */
function withDeath(details: object): object {
  const { failures } = details as { failures?: Record<string, number> };
  return {
    ...details,
    failures: { ...failures, [WORKER_DIED]: (failures?.[WORKER_DIED] ?? 0) + 1 },
  };
}

/**
 * Fails what the server takes to be in hand of a worker that is dead, as `failureFor` tells by the
 * worker's identity: also what was given to it in its last moment, of which it told nobody.
 */
async function failStarted(client: Client, failureFor: FailureFor): Promise<void> {
  let looked = 0;
  for await (const { workflowId, runId } of client.workflow.list({ query: RUNNING })) {
    if (++looked > MOST_WORKFLOWS) return; // the rest has its heartbeat timeouts
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
  // Proxy variables of the environment are not meant for a server on this machine.
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

/** Writes the report and says where it is; undefined when there is no room for it, or no right. */
async function leaveReport(dataFolder: string, death: WorkerDeath, { env, say }: Reporter) {
  const { name, pid, inFlight } = death;
  const named = inFlight
    .slice(0, MOST_NAMED)
    .map(({ activity, range, attempt }) => `${activity} ${range ?? ''} (attempt ${attempt})`);
  const more = inFlight.length - named.length;
  const hand = [...named, ...(more > 0 ? [`${more} more`] : [])].join(', ') || 'nothing';
  try {
    const file = await writeReport(path.join(dataFolder, 'crashes'), death, env);
    say(`${name}, process ${pid}, had in hand: ${hand}; crash report: ${file}`);
    return file;
  } catch (error) {
    const why = reasonOf(error);
    say(`${name}, process ${pid}, had in hand: ${hand}; no crash report could be written: ${why}`);
    return undefined;
  }
}

/** One file for each death; the newest are kept. */
async function writeReport(folder: string, death: WorkerDeath, env: NodeJS.ProcessEnv) {
  const { name, pid, how, stack, inFlight } = death;
  await mkdir(folder, { recursive: true });
  const at = new Date().toISOString();
  const file = path.join(folder, `${at.replaceAll(':', '-')}-${pid}.json`);
  const working = inFlight.map(({ token: _, since, lastHeartbeat, ...activity }) => ({
    ...activity,
    since: new Date(since).toISOString(),
    ...(lastHeartbeat
      ? { last_heartbeat: { ...lastHeartbeat, at: new Date(lastHeartbeat.at).toISOString() } }
      : {}),
  }));
  const report = {
    ...{ at, host: hostname(), worker: name, pid, how },
    ...(stack === undefined ? {} : { stack: stack.split('\n') }),
    working_on: working,
  };
  const clean = (_: string, value: unknown): unknown =>
    typeof value === 'string' ? withoutSecrets(value, env) : value;
  try {
    await writeFile(file, `${JSON.stringify(report, clean, 2)}\n`);
  } catch (error) {
    await rm(file, { force: true }); // half of it
    throw error;
  }
  const old = (await readdir(folder)).sort().slice(0, -REPORTS_KEPT);
  await Promise.all(old.map((name) => rm(path.join(folder, name), { force: true })));
  return file;
}
