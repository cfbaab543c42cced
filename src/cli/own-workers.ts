import path from 'node:path';
import { CONTROL_QUEUE } from '../contract/messages.js';
import { dataFolder } from '../lib/host/data-folder.js';
import type { Traffic } from '../node/traffic.js';
import { reportLeftBehind } from '../supervisor/worker-death.js';
import { type WorkerGroup, superviseWorkers } from '../supervisor/worker-group.js';
import type { TemporalSession } from '../temporal-server/open-temporal.js';
import { workersPoll } from '../temporal/pollers.js';
import type { Say } from '../temporal/temporal-error.js';
import { answerOf, openSession } from './open-session.js';
import type { CommonFlags } from './options.js';
import { say } from './say.js';

interface WorkerOptions {
  chunkWorkers: number;
  say: Say;
  onTraffic?: (traffic: Traffic) => void;
}

/**
 * Opens the Temporal server of a command. Starts workers if it is the embedded one: a server that somebody else runs
 * has its own. They start while the server does, because both take about a second.
 * @throws Interrupted, TemporalError
 */
export async function openWithWorkers(
  flags: CommonFlags,
  signal: AbortSignal,
  { env, ...options }: WorkerOptions & { env?: NodeJS.ProcessEnv },
): Promise<{ session: TemporalSession; workers: WorkerGroup | undefined }> {
  const started: WorkerGroup[] = [];
  const meanwhile = (workerEnv: NodeJS.ProcessEnv) => {
    for (const former of started.splice(0)) former.kill(); // they wait at an address that the server did not get
    started.push(startWorkers(flags, workerEnv, options));
  };
  try {
    const session = await openSession(flags, signal, { ...(env ? { env } : {}), meanwhile });
    return { session, workers: started[0] };
  } catch (error) {
    await started[0]?.stop();
    throw error;
  }
}

/** Says so when nobody works for a server that somebody else runs. @throws Interrupted */
export async function tellWithoutWorkers(
  session: TemporalSession,
  signal: AbortSignal,
): Promise<void> {
  const { embedded, connection, namespace } = session;
  if (embedded) return;
  const poll = () => workersPoll(connection, namespace, CONTROL_QUEUE);
  if (await answerOf(session, signal, poll)) return;
  say(`No worker polls task queue ${CONTROL_QUEUE} yet; start one with: aptos-backup worker`);
}

/** Starts the workers of this host for the server that `workerEnv` names. */
export function startWorkers(
  { dataDir }: CommonFlags,
  workerEnv: NodeJS.ProcessEnv,
  options: WorkerOptions,
): WorkerGroup {
  const logFile = path.join(dataFolder(dataDir), 'logs', 'worker.log');
  void reportLeftBehind({ env: workerEnv, say: options.say });
  return superviseWorkers({ env: workerEnv, logFile, ...options });
}
