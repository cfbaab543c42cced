import { setTimeout as sleep } from 'node:timers/promises';
import type { BackupStorage } from '../storage/storage.js';
import { BackupError } from '../errors/backup-error.js';
import { type Holder, Lease } from './lease.js';

const POLL_MS = 250;

export interface CommitLock {
  /** Call it directly before a write that must not happen twice. @throws BackupError COMMIT_LOCK_LOST */
  requireHeld(): Promise<void>;
}

/**
 * Runs `body` under the commit lock of a storage. Whatever changes which backups a storage has needs this lock:
 * one process at a time has it, over all hosts, for moments. If a holder dies, the next one waits until the
 * lease shows that it is dead.
 */
export async function withCommitLock<T>(
  storage: BackupStorage,
  holder: Holder,
  { signal, report }: { signal: AbortSignal; report: (phase: string) => void },
  body: (lock: CommitLock) => Promise<T>,
): Promise<T> {
  const lease = new Lease(storage, 'commit', holder);
  for (;;) {
    const other = await lease.claim();
    if (!other) break;
    report(`waiting for a commit of ${other.workflow} on ${other.host}`);
    await sleep(POLL_MS, undefined, { signal });
  }
  // A failed renewal needs no care here: if another process takes the lock over, `requireHeld` throws.
  let underWay: Promise<unknown> | undefined;
  const renewing = setInterval(() => {
    underWay ??= lease
      .renew()
      .catch(() => undefined)
      .finally(() => (underWay = undefined));
  }, lease.renewMs);
  try {
    return await body({
      async requireHeld() {
        const other = await lease.lostTo();
        if (!other) return;
        const why = `this host did not renew its lock for so long that ${other.workflow} on ${other.host} took over; nothing was committed`;
        throw new BackupError('COMMIT_LOCK_LOST', why);
      },
    });
  } finally {
    clearInterval(renewing);
    await underWay; // it would write over what the release stores
    // If the release fails, the next process waits until the lease counts as dead.
    await lease.release().catch(() => undefined);
  }
}
