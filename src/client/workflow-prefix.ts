import type { StorageConfig } from '../contract/job.js';
import { storageId } from '../storage/open.js';

/** With this begin the ids of all workflows and schedules of a storage. */
export function workflowPrefix(storage: StorageConfig): string {
  return `aptos-backup/${storageId(storage)}/`;
}
