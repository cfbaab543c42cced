import type { VerifyTotals } from './verify-totals.js';

/** Name of the memo in which a verification says how far it is: lists of workflows show it. */
export const VERIFY_PROGRESS = 'verified';

/** The newest of each kind that a verification has proven. Decimal strings. */
export interface VerifyProgress {
  epoch?: string;
  /** Version at which that epoch ends. */
  epochVersion?: string;
  version?: string;
  snapshotVersion?: string;
  /** Of that snapshot, and how many it has. */
  items?: string;
  ofItems?: string;
}

const FIELDS = ['epoch', 'epochVersion', 'version', 'snapshotVersion', 'items', 'ofItems'] as const;

export function progressOf({
  epochs,
  epochsEndAt,
  pieces,
  snapshots,
}: VerifyTotals): VerifyProgress {
  const snapshot = snapshots.at(-1);
  return known({
    epoch: epochs.at(-1)?.last,
    epochVersion: epochsEndAt,
    version: pieces.at(-1)?.last,
    snapshotVersion: snapshot?.version,
    items: snapshot?.items,
    ofItems: snapshot?.ofItems,
  });
}

/** What a memo says; of anything else nothing. */
export function readProgress(memo: unknown): VerifyProgress {
  return typeof memo === 'object' && memo !== null ? known(memo) : {};
}

function known(fields: Partial<Record<keyof VerifyProgress, unknown>>): VerifyProgress {
  const progress: VerifyProgress = {};
  for (const name of FIELDS) {
    const value = fields[name];
    if (typeof value === 'string' && /^\d{1,20}$/.test(value)) progress[name] = value;
  }
  return progress;
}
