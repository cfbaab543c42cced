import path from 'node:path';
import {
  type SuperviseOptions,
  type SupervisedWorker,
  type WorkerState,
  superviseWorker,
} from './worker-process.js';

/**
 * What one worker process works on; the supervisor passes it in APTOS_BACKUP_ROLE.
 * - workflows: workflows, plans and commits
 * - chunks: chunks
 * - apart: whatever killed its worker before, one thing at a time
 */
export type WorkerRole = 'workflows' | 'chunks' | 'apart';

const NAMES: Record<WorkerRole, string> = {
  workflows: 'Workflow worker',
  chunks: 'Chunk worker',
  apart: 'Apart worker',
};
/** When the apart worker starts if no chunk worker has died before. A short run never needs it. */
const APART_AFTER_MS = 15_000;

export interface GroupOptions extends Omit<SuperviseOptions, 'script' | 'name' | 'onDeath'> {
  /** How many processes work on chunks. @default 1 */
  chunkWorkers?: number;
}

/** The worker processes of one host. */
export interface WorkerGroup {
  /** Process id of the first worker of this role; undefined while it is being restarted. */
  pid(role: WorkerRole): number | undefined;
  /** The state of each worker, for the health page. */
  states(): (WorkerState & { role: WorkerRole })[];
  /** Lets all workers finish or hand back their work; kills them after a minute. */
  stop(): Promise<void>;
  /** Kills all workers at once. */
  kill(): void;
}

/**
 * Runs the worker processes of this host. One runs workflows, plans and commits; one or more run chunks, so
 * that a chunk that kills its worker stops only other chunks. The apart worker takes one thing at a time:
 * chunks, plans and commits that killed their workers. Each process has its own log: `worker.log` becomes
 * `worker-workflows.log` and so on.
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
