import type { WorkerRole } from './worker-group.js';

/**
 * Workflows are not cached. A query that finds one not in the cache takes it through events that no workflow
 * task has seen yet, and leaves it there like that; what it decides next comes out otherwise when
 * it is replayed, and it is stuck for ever (test/temporal/late-query.test.ts). Histories are short instead.
 */
export const CACHED_WORKFLOWS = 0;

/** Ranges that one process works on at once: each has a thread and some tens of MB. */
const DEFAULT_CHUNK_SLOTS = 8;
const MOST_CHUNK_SLOTS = 64;
const MOST_CHUNK_WORKERS = 16;

/** How many chunks a worker process takes at once. @throws Error that names the variable */
export function chunkSlots(env: NodeJS.ProcessEnv): number {
  const name = 'APTOS_BACKUP_CHUNK_SLOTS';
  return wholeNumber(name, env[name], MOST_CHUNK_SLOTS) ?? DEFAULT_CHUNK_SLOTS;
}

/**
 * How many processes work on chunks: as the flag says, else APTOS_BACKUP_CHUNK_WORKERS, else one.
 * @throws Error that names the flag or the variable
 */
export function chunkWorkers(flag: string | undefined, env: NodeJS.ProcessEnv): number {
  const name = 'APTOS_BACKUP_CHUNK_WORKERS';
  return (
    wholeNumber('--chunk-workers', flag, MOST_CHUNK_WORKERS) ??
    wholeNumber(name, env[name], MOST_CHUNK_WORKERS) ??
    1
  );
}

/** Told by the supervisor; nobody else sets it. */
export function workerRole(env: NodeJS.ProcessEnv): WorkerRole {
  const role = env['APTOS_BACKUP_ROLE'];
  if (role === 'workflows' || role === 'chunks' || role === 'apart') return role;
  throw new Error(`APTOS_BACKUP_ROLE is set by who starts worker processes, not "${role}"`);
}

function wholeNumber(name: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new Error(`${name} must be a whole number from 1 to ${most}, not "${text}"`);
}
