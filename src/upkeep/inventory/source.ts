import type { BackupStorage } from '../../storage/storage.js';

/** Where answers about a storage come from: the storage, or the index in it. */
export function sourceOf({ description, indexedAt }: BackupStorage): {
  storage: string;
  indexed_at?: string;
} {
  const at = indexedAt === undefined ? {} : { indexed_at: new Date(indexedAt).toISOString() };
  return { storage: description, ...at };
}
