import { setTimeout as sleep } from 'node:timers/promises';
import type { BackupStorage } from '../storage/storage.js';
import { BackupError } from './errors.js';
import { type Holder, Lease, RENEW_MS } from './lease.js';

const POLL_MS = 250;

export interface CommitLock {
  /** To be called right before what must not be done twice. @throws BackupError COMMIT_LOCK_LOST */
  requireHeld(): Promise<void>;
}

/**
 * Runs what changes which backups a storage has: one at a time over all hosts, for moments. A holder
 * that died in it is waited for, until its silence shows that it is dead.
 */
export async function withCommitLock<T>(
  storage: BackupStorage,
  holder: Holder,
  { signal, report }: { signal: AbortSignal; report: (phase: string) => void },
  body: (lock: CommitLock) => Promise<T>,
): Promise<T> {
  const lease = new Lease(storage, 'commit', holder);
  for (;;) {
    const other = await lease.claim(signal);
    if (!other) break;
    report(`waiting for a commit of ${other.workflow} on ${other.host}`);
    await sleep(POLL_MS, undefined, { signal });
  }
  // A renewal that fails is noticed by who waits for us, and then by `requireHeld`.
  const renewing = setInterval(() => void lease.renew(signal).catch(() => undefined), RENEW_MS);
  try {
    return await body({
      async requireHeld() {
        const other = await lease.lostTo(signal);
        if (!other) return;
        const why = `this host was silent for so long that ${other.workflow} on ${other.host} took over; nothing was committed`;
        throw new BackupError('COMMIT_LOCK_LOST', why, true);
      },
    });
  } finally {
    clearInterval(renewing);
    // Not released: the next one waits until its silence is over.
    await lease.release().catch(() => undefined);
  }
}
