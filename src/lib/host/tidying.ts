import { setTimeout as sleep } from 'node:timers/promises';

/** Work that nobody waits for and that has to be done, such as ending programs and removing temporary files. */
const tidying = new Set<Promise<unknown>>();

/** Notes such work. A thread waits for it before it tells that its job failed, because the thread is ended then. */
export function noteTidying<T>(work: Promise<T>): Promise<T> {
  tidying.add(work);
  const done = () => void tidying.delete(work);
  work.then(done, done);
  return work;
}

/** Waits until all of it is done, but no longer than so many milliseconds. */
export async function tidied(mostMs: number): Promise<void> {
  if (tidying.size === 0) return;
  const late = sleep(mostMs, 'late' as const, { ref: false });
  while (tidying.size > 0) {
    if ((await Promise.race([Promise.allSettled(tidying), late])) === 'late') return;
  }
}
