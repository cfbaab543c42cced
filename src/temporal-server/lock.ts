import { randomBytes } from 'node:crypto';
import {
  closeSync,
  futimesSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { TemporalError } from '../temporal/temporal-error.js';
import { isAlive } from '../lib/host/process-info.js';

const WAIT_MS = 240_000;
/**
 * A lock of this age is stale even if its process id is alive: that id may belong to another program now.
 * No work under the lock takes so long.
 */
const STALE_MS = 180_000;
/** Two processes may take over the same stale lock. After this time, the one whose text is in the file has it. */
const SETTLE_MS = 200;

/**
 * Runs `work` while it holds a lock file, so that only one process does so at a time. The file names the
 * owner's process id; a lock whose owner is dead is taken over.
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

/** Creates the lock file; false if there is one already. Leaves no file behind when it throws. */
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
    const now = Date.now() / 1000;
    futimesSync(file, now, now); // `isStale` uses our clock; a file server may have another one
    return true;
  } catch (error) {
    rmSync(path, { force: true }); // an empty lock file would block everybody for minutes
    throw error;
  } finally {
    closeSync(file);
  }
}

function isStale(path: string): boolean {
  try {
    const owner = Number(readFileSync(path, 'utf8').split(' ')[0]);
    const age = Date.now() - statSync(path).mtimeMs;
    // An empty file may have just been created by a process that has not written to it yet.
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
