import { setTimeout as sleep } from 'node:timers/promises';
import { type CommitLock, withCommitLock } from '../../repository/commit-lock.js';
import type { Holder } from '../../repository/lease.js';
import type { BackupStorage } from '../../storage/storage.js';

/** So many files are written or moved while commits wait. It takes a second or two in a bucket. */
const BATCH = 128;
/** Whoever waits for the commit lock looks four times a second. It must find the lock free. */
const PAUSE_MS = 750;

export interface CompactionTools {
  storage: BackupStorage;
  holder: Holder;
  signal: AbortSignal;
  report: (phase: string) => void;
  /** The time in unix milliseconds, by the clock of the storage. */
  now: () => Promise<number>;
}

/**
 * Hands out items in batches. Each batch has the commit lock, under the upkeep lock that is held all the while. Between
 * two batches commits get their turn. `work` returns false to end.
 */
export async function inBatches<T>(
  items: readonly T[],
  tools: CompactionTools & { what: string; upkeep: CommitLock },
  work: (batch: readonly T[], commit: CommitLock) => Promise<boolean>,
): Promise<void> {
  const { storage, holder, signal, report, what, upkeep } = tools;
  for (let at = 0; at < items.length; at += BATCH) {
    if (at > 0) await sleep(PAUSE_MS, undefined, { signal });
    report(`${what}, ${at} of ${items.length}`);
    await upkeep.requireHeld();
    const goesOn = await withCommitLock(storage, holder, { signal, report }, (commit) =>
      work(items.slice(at, at + BATCH), commit),
    );
    if (!goesOn) return;
  }
}
