import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, Client, Connection } from '@temporalio/client';
import { configuredServer } from './connection.js';
import { type Say, reasonOf } from './errors.js';
import type { InFlight } from './in-flight.js';

/** How a worker process died, and what it had in hand. */
export interface WorkerDeath {
  pid: number;
  /** `was killed by SIGKILL`, `ended with code 1 (last line of its log)`. */
  how: string;
  inFlight: InFlight[];
}

const REPORTS_KEPT = 50;
/** A server that is away for longer has its heartbeat timeouts. */
const LONGEST_MS = 25_000;
const RETRY_MS = 1_000;
const LOOKS = 3;
const MOST_WORKFLOWS = 200;
const RUNNING = 'ExecutionStatus = "Running"';
/** State of a pending activity, in the numbering of the Temporal API. */
const STARTED = 2;

/**
 * Fails what a dead worker had in hand, so that the next attempts begin at once instead of after the
 * heartbeat timeout, and leaves a crash report in the data folder. Never throws.
 */
export async function reportDeath(
  death: WorkerDeath,
  { env, say }: { env: NodeJS.ProcessEnv; say: Say },
): Promise<void> {
  const folder = env['APTOS_BACKUP_DATA_DIR'];
  try {
    const file = folder === undefined ? undefined : await writeReport(folder, death);
    await failAttempts(death, file, env);
  } catch (error) {
    say(`What the worker had in hand could not be reported: ${reasonOf(error)}`);
  }
}

async function failAttempts(
  { pid, how, inFlight }: WorkerDeath,
  file: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const { connection, namespace } = await connect(env);
  try {
    const client = new Client({ connection, namespace });
    const where = file === undefined ? '' : `; report: ${file}`;
    const failure = ApplicationFailure.create({
      message: `worker process ${pid} on ${hostname()} ${how}${where}`,
      type: 'WORKER_DIED',
      nextRetryDelay: '500 milliseconds',
    });
    await Promise.all(
      inFlight.map(({ token }) =>
        // Ended, timed out or begun again meanwhile: the token is of one attempt.
        client.activity.fail(Buffer.from(token, 'base64'), failure).catch(() => undefined),
      ),
    );
    for (let look = 0; look < LOOKS; look += 1) {
      await failUntold(client, `${pid}@${hostname()}`, failure);
      await sleep(RETRY_MS);
    }
  } finally {
    await connection.close();
  }
}

/** What the server gave to the worker in its last moment, and it could not tell us of any more. */
async function failUntold(client: Client, identity: string, failure: Error): Promise<void> {
  let looked = 0;
  for await (const { workflowId, runId } of client.workflow.list({ query: RUNNING })) {
    if (++looked > MOST_WORKFLOWS) return; // the rest has its heartbeat timeouts
    const handle = client.workflow.getHandle(workflowId, runId);
    const { raw } = await handle.describe();
    for (const { state, lastWorkerIdentity, activityId } of raw.pendingActivities ?? []) {
      if (Number(state) !== STARTED || lastWorkerIdentity !== identity || !activityId) continue;
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

/** One file for each death; the newest are kept. */
async function writeReport(dataFolder: string, { pid, how, inFlight }: WorkerDeath) {
  const folder = path.join(dataFolder, 'crashes');
  await mkdir(folder, { recursive: true });
  const at = new Date().toISOString();
  const file = path.join(folder, `${at.replaceAll(':', '-')}-${pid}.json`);
  const working = inFlight.map(({ token: _, since, ...activity }) => ({
    ...activity,
    since: new Date(since).toISOString(),
  }));
  const report = { at, host: hostname(), pid, how, working_on: working };
  await writeFile(file, `${JSON.stringify(report, undefined, 2)}\n`);
  const old = (await readdir(folder)).sort().slice(0, -REPORTS_KEPT);
  await Promise.all(old.map((name) => rm(path.join(folder, name), { force: true })));
  return file;
}
