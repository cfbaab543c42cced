import { createHash } from 'node:crypto';
import type { StorageSettings } from './open.js';

/** A short name for a storage: the same for everybody who names it the same way. */
export function storageId(storage: StorageSettings): string {
  return createHash('sha256').update(storage.local_fs_dir).digest('hex').slice(0, 8);
}
