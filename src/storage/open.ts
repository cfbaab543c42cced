import { storageDeadlineMs, withDeadlines } from './deadlines.js';
import { LocalStorage } from './local.js';
import type { BackupStorage } from './storage.js';

/** Names a storage; the field says which kind. */
export interface StorageSettings {
  local_fs_dir: string;
}

/** The storage of a job, with deadlines. Nothing is created before it is begun. */
export function openStorage(settings: StorageSettings): BackupStorage {
  return withDeadlines(new LocalStorage(settings.local_fs_dir), storageDeadlineMs());
}
