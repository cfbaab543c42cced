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
/** The apart worker ends when it had nothing to do for so long. Its last death is told for ten minutes. */
const APART_IDLE_MS = 15 * 60_000;
const LOOK_MS = 60_000;

export interface GroupOptions extends Omit<
  SuperviseOptions,
  'name' | 'small' | 'onDeath' | 'onWaiting'
> {
  /** When the apart worker ends. @default 15 minutes after it had something to do */
  apartIdleMs?: number;
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
 * chunks, plans and commits that killed their workers. It runs only while it may be needed: after the death of a
 * chunk worker, and while something waits for it. Each process has its own log: `worker.log` becomes
 * `worker-workflows.log` and so on.
 */
export function superviseWorkers(options: GroupOptions): WorkerGroup {
  const { env, say, logFile, onTraffic, script } = options;
  const { chunkWorkers = 1, apartIdleMs = APART_IDLE_MS } = options;
  const workers: { role: WorkerRole; worker: SupervisedWorker }[] = [];
  let stopped = false;
  let apartNeededAt = 0;
  let apartEnds = false;

  const start = (role: WorkerRole, number = 1, of = 1): void => {
    const worker = superviseWorker({
      env: { ...env, APTOS_BACKUP_ROLE: role },
      say,
      name: of === 1 ? NAMES[role] : `${NAMES[role]} ${number}`,
      ...(logFile === undefined ? {} : { logFile: logOf(logFile, role, number) }),
      ...(onTraffic ? { onTraffic } : {}),
      ...(script === undefined ? {} : { script }),
      ...(role === 'chunks' ? { onDeath: needApart } : {}),
      ...(role === 'workflows' ? { small: true, onWaiting: needApart } : {}),
    });
    workers.push({ role, worker });
  };
  const needApart = () => {
    apartNeededAt = performance.now();
    if (!stopped && !workers.some(({ role }) => role === 'apart')) start('apart');
  };
  const endIdleApart = () => {
    const apart = workers.find(({ role }) => role === 'apart');
    if (!apart || apartEnds) return;
    if (Object.keys(apart.worker.state().inHand).length > 0) apartNeededAt = performance.now();
    if (performance.now() - apartNeededAt < apartIdleMs) return;
    apartEnds = true;
    void apart.worker.stop().then(() => {
      workers.splice(workers.indexOf(apart), 1);
      apartEnds = false;
    });
  };
  start('workflows');
  for (let n = 1; n <= chunkWorkers; n += 1) start('chunks', n, chunkWorkers);
  const looking = setInterval(endIdleApart, Math.min(LOOK_MS, apartIdleMs));

  const end = () => {
    stopped = true;
    clearInterval(looking);
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
