import type { CopyResult, CopyStatus, Skipped } from './answers/copy-answers.js';
import type { CopySettings, CopyTaskResult } from './copying.js';
import type { BackupType } from './job.js';
import { storageName } from './storage-name.js';

/** What a copy has done so far. */
export type CopyTotals = Omit<CopyStatus, 'in_work'>;

const MOST_LISTED = 100;
const COUNTED = {
  epoch_ending: 'epoch_endings',
  transaction: 'transactions',
  state_snapshot: 'state_snapshots',
} as const satisfies Record<BackupType, keyof CopyTotals>;

export function noCopyTotals(): CopyTotals {
  return {
    ...{ epoch_endings: 0, transactions: 0, state_snapshots: 0, already_there: 0 },
    ...{ files: 0, kept: 0, bytes: 0, skipped: [], skipped_count: 0 },
  };
}

export function addCopied(totals: CopyTotals, type: BackupType): void {
  totals[COUNTED[type]] += 1;
}

export function addCopyTask(totals: CopyTotals, { files, bytes, kept }: CopyTaskResult): void {
  totals.files += files;
  totals.bytes += bytes;
  totals.kept += kept;
}

/** Adds a backup that was not copied. A page that is read again may name it again. */
export function addSkipped(totals: CopyTotals, skipped: Skipped): void {
  if (totals.skipped.some(({ manifest }) => manifest === skipped.manifest)) return;
  totals.skipped_count += 1;
  if (totals.skipped.length < MOST_LISTED) totals.skipped.push(skipped);
}

export function copyResultOf(
  { from, to }: CopySettings,
  totals: CopyTotals,
  startedAt: number,
): CopyResult {
  return {
    ok: totals.skipped_count === 0,
    from: storageName(from),
    to: storageName(to),
    as_of: new Date(startedAt).toISOString(),
    ...totals,
  };
}
