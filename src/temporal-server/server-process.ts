import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { orAborted } from '../lib/or-aborted.js';
import { type Say, TemporalError, reasonOf } from '../temporal/temporal-error.js';
import { logTail, openLog } from '../lib/host/log-file.js';
import { isListening } from './ports.js';
import { runsCommandWith } from '../lib/host/process-info.js';
import { SEARCH_ATTRIBUTE_NAMES } from '../temporal/register-attributes.js';

export const EMBEDDED_NAMESPACE = 'default';

const SAY_STARTING_MS = 30_000;
const STOP_MS = 15_000;
/** A server that is slow under load answers within this time; one that hangs does not. */
const ANSWER_MS = 5_000;
/** How long closed workflows are kept. The development server's default is one day. */
const RETENTION = '90 days';
const RETENTION_TRIES = 3;

/** The files of a server. A server process is recognised by `database` on its command line. */
export interface ServerFiles {
  database: string;
  log: string;
}

export interface ServerPorts {
  port: number;
  uiPort: number;
}

/**
 * Starts the development server on its database and returns its process id at once. The server has its own
 * process group, so neither Ctrl-C nor the death of the command that started it stops it.
 */
export function spawnServer(binary: string, files: ServerFiles, ports: ServerPorts): number {
  const log = openLog(files.log);
  // Write-ahead logging is four times as fast as SQLite's default and survives kill -9.
  const pragmas = ['journal_mode=WAL', 'synchronous=NORMAL'];
  const args = [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--log-level', 'warn'],
    ...['--db-filename', files.database],
    ...pragmas.flatMap((pragma) => ['--sqlite-pragma', pragma]),
    ...['--port', `${ports.port}`, '--ui-port', `${ports.uiPort}`],
    ...SEARCH_ATTRIBUTE_NAMES.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
  ];
  const output = log ?? 'ignore';
  const child = spawn(binary, args, { detached: true, stdio: ['ignore', output, output] });
  if (log !== undefined) closeSync(log);
  child.on('error', () => {}); // waitUntilReady reports it: the process does not exist
  child.unref();
  if (child.pid === undefined) {
    throw new TemporalError('TEMPORAL_START_FAILED', `cannot run ${binary}`);
  }
  return child.pid;
}

/**
 * Waits for the first answer of a server. Returns without an answer when the signal aborts.
 * @throws TemporalError TEMPORAL_START_FAILED with the last line of its log, when the process ends or has not
 *   answered after `patienceMs` milliseconds
 */
export async function waitUntilReady(
  { pid, port }: { pid: number; port: number },
  files: ServerFiles,
  options: { patienceMs: number; say: Say; signal: AbortSignal },
): Promise<void> {
  const { patienceMs, say, signal } = options;
  // performance.now(): a change of the time of day must not end the wait.
  const begun = performance.now();
  let sayAt = begun + SAY_STARTING_MS;
  // `answers` may take seconds, so the wait for it ends with the signal.
  const isOurs = () => runsCommandWith(pid, files.database); // another one's may answer on a port that ours did not get
  while (!(await orAborted(answers(port), signal).catch(() => false)) || !isOurs()) {
    if (signal.aborted) return;
    const waited = performance.now() - begun;
    if (!isOurs()) throw failedToStart(files, 'it ended at once');
    if (waited > patienceMs) {
      throw failedToStart(files, `no answer within ${patienceMs / 1000} s`);
    }
    if (performance.now() > sayAt) {
      say('The Temporal server has not answered yet; it may take long to open a large database');
      sayAt = performance.now() + SAY_STARTING_MS;
    }
    await sleep(100);
  }
}

/** Whether a Temporal server with our namespace answers on this port within a few seconds. */
export async function answers(port: number): Promise<boolean> {
  if (!(await isListening(port))) return false; // quicker than a gRPC client, which waits a second before its retry
  try {
    await asked(port, (server) => server.describeNamespace({ namespace: EMBEDDED_NAMESPACE }));
    return true;
  } catch {
    return false;
  }
}

/** Makes the server keep closed workflows for 90 days. A failure is reported, and work goes on. */
export async function keepClosedWorkflows(port: number, say: Say): Promise<void> {
  const config = { workflowExecutionRetentionTtl: msToTs(RETENTION) };
  for (let tries = 1; ; tries += 1) {
    try {
      await asked(port, (server) =>
        server.updateNamespace({ namespace: EMBEDDED_NAMESPACE, config }),
      );
      return;
    } catch (error) {
      if (tries < RETENTION_TRIES) continue;
      say(`The Temporal server keeps finished workflows for a day only: ${reasonOf(error)}`);
      return;
    }
  }
}

/** Stops a server with SIGTERM, after `patienceMs` milliseconds with SIGKILL. Returns when it has ended. */
export async function stopServer(
  pid: number,
  files: ServerFiles,
  patienceMs = STOP_MS,
): Promise<void> {
  const deadline = Date.now() + patienceMs;
  signal(pid, 'SIGTERM');
  while (runsCommandWith(pid, files.database)) {
    if (Date.now() > deadline) signal(pid, 'SIGKILL');
    await sleep(20);
  }
}

/** Asks a server one thing. Connects without a proxy: the server is on this machine. @throws errors of the client */
async function asked<T>(
  port: number,
  ask: (server: Connection['workflowService']) => Promise<T>,
): Promise<T> {
  const connection = await Connection.connect({
    address: `127.0.0.1:${port}`,
    connectTimeout: ANSWER_MS,
    channelArgs: { 'grpc.enable_http_proxy': 0 },
  });
  try {
    const deadline = Date.now() + ANSWER_MS;
    return await connection.withDeadline(deadline, () => ask(connection.workflowService));
  } finally {
    await connection.close().catch(() => undefined);
  }
}

function failedToStart(files: ServerFiles, why: string): TemporalError {
  const lastWords = logTail(files.log).trim().split('\n').at(-1) ?? '';
  return new TemporalError(
    'TEMPORAL_START_FAILED',
    `the embedded Temporal server did not start, ${why}: ${lastWords.slice(0, 300)} (log: ${files.log})`,
  );
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
