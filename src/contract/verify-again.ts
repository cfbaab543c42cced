import * as v from 'valibot';
import { wholeNumber } from './shape.js';

/**
 * Why files were read again although an earlier verification had read them. `inodes`: only their inode
 * numbers differ. `changed`: they changed. `trust`: other waypoints are trusted, or another metadata line
 * names them. `bad`: something was wrong with them. `unwritable`: the storage cannot keep the note that
 * they were proven.
 */
export const AGAIN_REASONS = ['inodes', 'changed', 'trust', 'bad', 'unwritable'] as const;
export type AgainReason = (typeof AGAIN_REASONS)[number];
/** Number of files by reason. */
export type ReadAgain = v.InferOutput<typeof readAgain>;
export const readAgain = v.object(v.entriesFromList(AGAIN_REASONS, wholeNumber));

export function noReasons(): ReadAgain {
  return { inodes: 0, changed: 0, trust: 0, bad: 0, unwritable: 0 };
}

export function addReasons(totals: ReadAgain, more: Partial<ReadAgain> = {}): void {
  for (const reason of AGAIN_REASONS) totals[reason] += more[reason] ?? 0;
}
