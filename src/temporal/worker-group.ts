import { type SuperviseOptions, type SupervisedWorker, superviseWorker } from './worker-process.js';

/** What one worker process works on; told to it by APTOS_BACKUP_ROLE. */
export type WorkerRole = 'workflows' | 'chunks' | 'apart';

const NAMES: Record<WorkerRole, string> = {
  workflows: 'Workflow worker',
  chunks: 'Chunk worker',
  apart: 'Worker for chunks apart',
};
/** Nobody needs it in a short run in which nothing dies. */
const APART_AFTER_MS = 15_000;

/** The worker processes of one host. */
export interface WorkerGroup {
  /** Process ids by what they work on; undefined between two of them. */
  pid(role: WorkerRole): number | undefined;
  /** Lets all finish or hand back what they do; kills them after a minute. */
  stop(): Promise<void>;
  /** At once. */
  kill(): void;
}

/**
 * Runs the worker processes of this host: workflows and what plans and commits in one, chunks in
 * another, so that a chunk can take nothing with it but chunks; and one that takes a chunk at a time,
 * for those that their worker died of.
 */
export function superviseWorkers(options: Omit<SuperviseOptions, 'script'>): WorkerGroup {
  const workers = new Map<WorkerRole, SupervisedWorker>();
  let stopped = false;

  const start = (role: WorkerRole): void => {
    if (stopped || workers.has(role)) return;
    const env = { ...options.env, APTOS_BACKUP_ROLE: role };
    const onDeath = role === 'chunks' ? () => start('apart') : undefined;
    const named = { ...options, env, name: NAMES[role] };
    workers.set(role, superviseWorker({ ...named, ...(onDeath ? { onDeath } : {}) }));
  };
  start('workflows');
  start('chunks');
  const later = setTimeout(() => start('apart'), APART_AFTER_MS);

  const end = () => {
    stopped = true;
    clearTimeout(later);
    return [...workers.values()];
  };
  return {
    pid: (role) => workers.get(role)?.pid,
    async stop() {
      await Promise.all(end().map((worker) => worker.stop()));
    },
    kill() {
      for (const worker of end()) worker.kill();
    },
  };
}
