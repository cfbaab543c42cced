import { onOverdue, overdue } from '../../storage/overdue.js';

/** With so many of the four threads gone that all file access shares, the next call may be the last. */
const MOST_OVERDUE = 3;
/** What is only late comes back, and what began together is over at about the same time. */
const SETTLE_MS = 3_000;

/**
 * Calls `leave` with a reason when a storage hangs in so many calls that this process can hardly
 * work on files any more, also after the storage is back: only a new process has new threads.
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
      leave(`${still.length} operations of the storage never came back, first ${still[0]}`);
    }, SETTLE_MS).unref();
  });
}

/**
 * Ends this process. In an orderly exit it would wait for its threads, and thus for the storage.
 */
export function exitProcess(code: number): never {
  if (overdue().length > 0) process.kill(process.pid, 'SIGKILL');
  process.exit(code);
}
