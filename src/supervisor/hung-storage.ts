import { onOverdue, overdue } from '../lib/host/overdue.js';

/** All file access of a process shares four threads. With three of them stuck, the next call may block the last one. */
const MOST_OVERDUE = 3;
/** Within this time, calls that are only slow return, and calls that began together all pass their deadline. */
const SETTLE_MS = 3_000;

/**
 * Calls `leave` with a reason when so many storage calls hang that this process can hardly access files
 * any more. The threads may stay stuck even when the storage is back, so only a new process helps.
 */
export function leaveWhenStorageHangs(leave: (reason: string) => void): void {
  let checking = false;
  onOverdue(() => {
    if (checking || overdue().length < MOST_OVERDUE) return;
    checking = true;
    setTimeout(() => {
      checking = false;
      const still = overdue();
      if (still.length < MOST_OVERDUE) return;
      leave(`${still.length} operations of the storage did not return, first ${still[0]}`);
    }, SETTLE_MS).unref();
  });
}

/**
 * Ends this process. While storage calls hang, it kills itself: an orderly exit would wait for the
 * stuck threads, and so for the storage.
 */
export function exitProcess(code: number): never {
  if (overdue().length > 0) process.kill(process.pid, 'SIGKILL');
  process.exit(code);
}
