import type { CopySettings, CopySlice, CopyUnit } from '../../../contract/copying.js';
import type { StorageLimits } from '../../../storage/limits.js';
import type { StoredEnding } from '../../../verify/stored-chain.js';

/** What a copying thread is to do. Plain data only. */
export interface CopyOrder {
  ends: Pick<CopySettings, 'from' | 'to'>;
  units: CopyUnit[];
  slices: CopySlice[];
  limits: StorageLimits;
  /** The epoch endings of the source, which the main thread has checked. */
  endings: [bigint, StoredEnding][];
  /** The trusted waypoints, as `VERSION:HASH`. */
  trusted: string[];
}

export interface CopyProgress {
  bytes: number;
  objects: number;
}
