import { setTimeout as sleep } from 'node:timers/promises';
import type { BackupStorage } from '../storage/storage.js';
import { BackupError } from '../errors/backup-error.js';
import { type Holder, Lease } from './lease.js';

const POLL_MS = 250;

export interface CommitLock {
  /** Call it directly before a write that must not happen twice. @throws BackupError COMMIT_LOCK_LOST */
  requireHeld(): Promise<void>;
}

interface Waiting {
  signal: AbortSignal;
  report: (phase: string) => void;
}

/**
 * Runs `body` under the commit lock of a storage. Whatever changes which backups a storage has needs this lock:
 * one process at a time has it, over all hosts, for moments. If a holder dies, the next one waits until the
 * lease shows that it is dead.
 */
export function withCommitLock<T>(
  storage: BackupStorage,
  holder: Holder,
  waiting: Waiting,
  body: (lock: CommitLock) => Promise<T>,
): Promise<T> {
  return withLock(storage, 'commit', holder, waiting, body);
}

/**
 * The same under the upkeep lock: one process at a time, over all hosts, compacts, consolidates or removes. It may be
 * held for hours. Take the commit lock inside of it for whatever changes which backups there are.
 */
export function withUpkeepLock<T>(
  storage: BackupStorage,
  holder: Holder,
  waiting: Waiting,
  body: (lock: CommitLock) => Promise<T>,
): Promise<T> {
  return withLock(storage, 'upkeep', holder, waiting, body);
}

async function withLock<T>(
  storage: BackupStorage,
  kind: 'commit' | 'upkeep',
  holder: Holder,
  { signal, report }: Waiting,
  body: (lock: CommitLock) => Promise<T>,
): Promise<T> {
  const lease = new Lease(storage, kind, holder);
  for (;;) {
    const other = await lease.claim();
    if (!other) break;
    report(`waiting for the ${kind} lock, which ${other.workflow} on ${other.host} has`);
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
        const why = `this host did not renew its lock for so long that ${other.workflow} on ${other.host} took over; nothing more was changed`;
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
