import type { StorageConfig } from '../../contract/job.js';
import type { VerifyTask } from '../../contract/verification.js';
import type { StoredEnding } from '../stored-chain.js';

/** What a verifying thread is to do. Plain data only. */
export interface VerifyOrder {
  storage: StorageConfig;
  task: Exclude<VerifyTask, { kind: 'epoch_endings' }>;
  again: boolean;
  /** The epoch endings that the main thread has checked. */
  endings: [bigint, StoredEnding][];
  /** The trusted waypoints, as `VERSION:HASH`. */
  trusted: string[];
}

export interface TaskProgress {
  bytes: number;
  objects: number;
}
