import type { PlainError } from '../../backup/thread/messages.js';
import type { StorageConfig } from '../../plan/job.js';
import type { TaskResult, VerifyTask } from '../../plan/verify.js';
import type { StoredEnding } from '../stored-chain.js';

/** What a verifying thread is started with. */
export interface VerifyOrder {
  storage: StorageConfig;
  task: Exclude<VerifyTask, { kind: 'epoch_endings' }>;
  again: boolean;
  /** The stored chain and what is trusted, as the main thread has checked it. */
  endings: [bigint, StoredEnding][];
  trusted: string[];
}

export type FromVerifyThread =
  | { kind: 'progress'; bytes: number; objects: number }
  | { kind: 'done'; result: TaskResult }
  | { kind: 'failed'; error: PlainError };
