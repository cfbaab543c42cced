import { randomBytes } from 'node:crypto';
import {
  closeSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { TemporalError } from '../errors.js';
import { isAlive } from '../process-info.js';

const WAIT_MS = 240_000;
/** Longer than anything done under the lock; a process id may have been given to another program. */
const STALE_MS = 180_000;
/** Two processes that find the same stale lock: the one whose name is still in it afterwards wins. */
const SETTLE_MS = 200;

/**
 * Runs `work` while no other process does, by a lock file that holds the owner's process id. A lock
 * whose owner is dead is taken over.
 * @throws TemporalError DATA_FOLDER_LOCKED when a living process keeps it for minutes
 */
export async function withLock<T>(path: string, work: () => Promise<T> | T): Promise<T> {
  const mine = `${process.pid} ${randomBytes(8).toString('hex')}`;
  const deadline = Date.now() + WAIT_MS;
  while (!(await take(path, mine))) {
    if (Date.now() > deadline) {
      throw new TemporalError(
        'DATA_FOLDER_LOCKED',
        `${path} is held by process ${read(path)?.split(' ')[0] ?? '?'} for over ${WAIT_MS / 1000} s; ` +
          'if that process is stuck, end it and run this again',
      );
    }
    await sleep(50);
  }
  try {
    return await work();
  } finally {
    if (read(path) === mine) rmSync(path, { force: true });
  }
}

async function take(path: string, mine: string): Promise<boolean> {
  if (create(path, mine)) return true;
  if (!isStale(path)) return false;
  writeFileSync(`${path}.${process.pid}`, mine);
  renameSync(`${path}.${process.pid}`, path);
  await sleep(SETTLE_MS);
  return read(path) === mine;
}

/** Whether the file was not there before. @throws what the file system says; then nothing is left */
function create(path: string, content: string): boolean {
  let file: number;
  try {
    file = openSync(path, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  try {
    writeSync(file, content);
    return true;
  } catch (error) {
    rmSync(path, { force: true }); // a lock without an owner would be kept for minutes
    throw error;
  } finally {
    closeSync(file);
  }
}

function isStale(path: string): boolean {
  try {
    const owner = Number(readFileSync(path, 'utf8').split(' ')[0]);
    const age = Date.now() - statSync(path).mtimeMs;
    // An empty file belongs to a process between creating and writing it.
    return owner > 0 ? !isAlive(owner) || age > STALE_MS : age > STALE_MS;
  } catch {
    return false;
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
