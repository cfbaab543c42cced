import { OWN_FOLDER } from '../handles.js';
import { type StorageLimits, withLimits } from '../limits.js';
import { MetadataLooks } from '../metadata-looks.js';
import { type StorageSettings, openBackend } from '../registry.js';
import { BackupStorage } from '../storage.js';
import { isStorageError } from '../storage-error.js';
import { IndexedBackend } from './indexed-backend.js';
import { findIndex } from './stored-index.js';

/**
 * Opens a storage for somebody who only reads. Where nothing may be listed and an index was published
 * (`aptos-backup repository index`), the metadata is what the index names: `indexedAt` and the description say so.
 * Without an index, the storage is opened as it is, and its first listing says what is denied. `limits` bounds what is
 * asked of it.
 * @throws StorageError, also DAMAGED for the index
 */
export async function openReadable(
  settings: StorageSettings,
  signal?: AbortSignal,
  limits?: StorageLimits,
): Promise<BackupStorage> {
  const opened = openBackend(settings);
  const backend = limits ? withLimits(opened, limits) : opened;
  const storage = new BackupStorage(backend, signal);
  if (storage.byNameOnly || (await mayList(storage))) return storage;
  const index = await findIndex(backend, signal);
  if (!index) return storage;
  // The index has metadata decoded, so it does not show whether other files are gzip'd. What begins like gzip is.
  const looks = new MetadataLooks({ gzip: true });
  return new BackupStorage(new IndexedBackend(backend, index), signal, looks);
}

/** A public container of Azure that lets nobody list says that it is not there. */
async function mayList(storage: BackupStorage): Promise<boolean> {
  try {
    await storage.listFolder(OWN_FOLDER);
    return true;
  } catch (error) {
    if (isStorageError(error, 'DENIED', 'STORAGE_MISSING')) return false;
    throw error;
  }
}
