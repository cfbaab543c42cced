import type { BackupType } from '../../contract/job.js';
import { perKind } from '../../contract/kinds/index.js';

const DAY_MS = 86_400_000;
const MOST_DAYS = 30;

/** When a backup was committed, and how much it added. */
export interface Added {
  type: BackupType;
  /** Unix milliseconds. */
  at: number;
  bytes: number;
  /** Epochs or versions; of a snapshot 1. */
  records: number;
}

/** Growth a day, by kind; or why nobody knows it. */
export type Growth =
  | { days: number; kinds: Record<BackupType, { bytes: number; records: number }> }
  | { unknown: string };

/**
 * How a storage grows: what was committed in the last thirty days before the newest commit, or since the oldest one if
 * that is later. `unknownTimes`: backups of which nobody knows when they were committed.
 */
export function growthOf(added: readonly Added[], unknownTimes: number): Growth {
  if (unknownTimes > 0) {
    return { unknown: `the store does not say when ${unknownTimes} backups were written` };
  }
  if (added.length === 0) return { unknown: 'there are no backups' };
  const newest = added.reduce((max, { at }) => Math.max(max, at), -Infinity);
  const oldest = added.reduce((min, { at }) => Math.min(min, at), Infinity);
  const from = Math.max(oldest, newest - MOST_DAYS * DAY_MS);
  const days = (newest - from) / DAY_MS;
  if (days < 1) return { unknown: 'all backups were written within one day' };
  const kinds = perKind(() => ({ bytes: 0, records: 0 }));
  for (const { type, at, bytes, records } of added) {
    if (at <= from) continue; // what was there when the time began
    kinds[type].bytes += bytes / days;
    kinds[type].records += records / days;
  }
  return { days, kinds };
}
