import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { noteOverdue } from './overdue.js';

const GRACE_MS = 5_000;

/**
 * Ends a thread. A thread that is stuck in a file system call ends only when the file system answers. After five
 * seconds this stops waiting and counts the thread as overdue.
 */
export async function endThread(thread: Worker, what: string): Promise<void> {
  const ended = thread.terminate();
  const grace = new AbortController();
  const late = sleep(GRACE_MS, 'late' as const, { signal: grace.signal });
  late.catch(() => undefined);
  const first = await Promise.race([ended, late]);
  grace.abort();
  if (first === 'late') noteOverdue(`${what} hangs in the file system`, ended);
}
