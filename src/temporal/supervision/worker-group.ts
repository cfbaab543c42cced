import path from 'node:path';
import {
  type SuperviseOptions,
  type SupervisedWorker,
  type WorkerState,
  superviseWorker,
} from './worker-process.js';

/** What one worker process works on; told to it by APTOS_BACKUP_ROLE. */
export type WorkerRole = 'workflows' | 'chunks' | 'apart';

const NAMES: Record<WorkerRole, string> = {
  workflows: 'Workflow worker',
  chunks: 'Chunk worker',
  apart: 'Apart worker',
};
/** Nobody needs it in a short run in which nothing dies. */
const APART_AFTER_MS = 15_000;

export interface GroupOptions extends Omit<SuperviseOptions, 'script' | 'name' | 'onDeath'> {
  /** How many processes work on chunks. @default 1 */
  chunkWorkers?: number;
}

/** The worker processes of one host. */
export interface WorkerGroup {
  /** Process id of the first one by what it works on; undefined between two of them. */
  pid(role: WorkerRole): number | undefined;
  /** All of them, as their health shows them. */
  states(): (WorkerState & { role: WorkerRole })[];
  /** Lets all finish or hand back what they do; kills them after a minute. */
  stop(): Promise<void>;
  /** At once. */
  kill(): void;
}

/**
 * Runs the worker processes of this host: workflows and what plans and commits in one, chunks in
 * another or several, so that a chunk can take nothing with it but chunks; and one that takes one
 * thing at a time, for chunks, plans and commits that their workers died of. Each has a log of its own:
 * `worker.log` becomes `worker-workflows.log` and so on.
 */
export function superviseWorkers(options: GroupOptions): WorkerGroup {
  const { env, say, logFile, onTraffic, chunkWorkers = 1 } = options;
  const workers: { role: WorkerRole; worker: SupervisedWorker }[] = [];
  let stopped = false;

  const start = (role: WorkerRole, number = 1, of = 1): void => {
    const worker = superviseWorker({
      env: { ...env, APTOS_BACKUP_ROLE: role },
      say,
      name: of === 1 ? NAMES[role] : `${NAMES[role]} ${number}`,
      ...(logFile === undefined ? {} : { logFile: logOf(logFile, role, number) }),
      ...(onTraffic ? { onTraffic } : {}),
      ...(role === 'chunks' ? { onDeath: startApart } : {}),
    });
    workers.push({ role, worker });
  };
  const startApart = () => {
    if (!stopped && !workers.some(({ role }) => role === 'apart')) start('apart');
  };
  start('workflows');
  for (let n = 1; n <= chunkWorkers; n += 1) start('chunks', n, chunkWorkers);
  const later = setTimeout(startApart, APART_AFTER_MS);

  const end = () => {
    stopped = true;
    clearTimeout(later);
    return workers.map(({ worker }) => worker);
  };
  return {
    pid: (wanted) => workers.find(({ role }) => role === wanted)?.worker.pid,
    states: () => workers.map(({ role, worker }) => ({ role, ...worker.state() })),
    async stop() {
      await Promise.all(end().map((worker) => worker.stop()));
    },
    kill() {
      for (const worker of end()) worker.kill();
    },
  };
}

function logOf(logFile: string, role: WorkerRole, number: number): string {
  const { dir, name, ext } = path.parse(logFile);
  return path.join(dir, `${name}-${role}${number === 1 ? '' : `-${number}`}${ext}`);
}
