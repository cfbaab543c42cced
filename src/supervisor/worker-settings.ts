import { availableParallelism } from 'node:os';
import type { WorkerRole } from './worker-group.js';

/**
 * Workflows are not cached. For a query to a workflow that is not in the cache, the SDK also replays events that no
 * workflow task has handled yet. It caches the workflow in that state. What the workflow decides next then differs from
 * a later replay, and it is stuck for ever (test/temporal/late-query.test.ts). We keep histories short instead.
 */
export const CACHED_WORKFLOWS = 0;

/**
 * Activities of the control queue that a worker of workflows has in hand at once. Most of them only wait, for a node,
 * for a backup or for a copy: a coordinator keeps four, and up to six. If waits took all places, none would be left
 * for the plans and commits that they wait for.
 */
export const PLACES = 500;

/**
 * Ranges that one process works on at once: two for each core, because a range also waits for the node and the storage.
 * Each needs a thread and some tens of MB.
 */
const SLOTS_PER_CORE = 2;
const LEAST_DEFAULT_SLOTS = 4;
const MOST_DEFAULT_SLOTS = 8;
const MOST_CHUNK_SLOTS = 64;
export const MOST_CHUNK_WORKERS = 16;

/** How many ranges a worker process takes at once. @throws Error that names the variable */
export function chunkSlots(env: NodeJS.ProcessEnv): number {
  const name = 'APTOS_BACKUP_CHUNK_SLOTS';
  return wholeNumber(name, env[name], MOST_CHUNK_SLOTS) ?? defaultSlots(availableParallelism());
}

/** How many ranges a worker process takes at once where nobody says so. */
export function defaultSlots(cores: number): number {
  return Math.min(Math.max(SLOTS_PER_CORE * cores, LEAST_DEFAULT_SLOTS), MOST_DEFAULT_SLOTS);
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

/** The role that the supervisor gave this worker process. @throws Error if it gave none */
export function workerRole(env: NodeJS.ProcessEnv): WorkerRole {
  const role = env['APTOS_BACKUP_ROLE'];
  if (role === 'workflows' || role === 'chunks' || role === 'apart') return role;
  throw new Error(`APTOS_BACKUP_ROLE is for the supervisor to set; it cannot be "${role}"`);
}

function wholeNumber(name: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new Error(`${name} must be a whole number from 1 to ${most}, not "${text}"`);
}
