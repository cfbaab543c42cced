import { readKnownCatalog } from '../repository/catalog.js';
import { OWN_FOLDER } from '../storage/handles.js';
import { StorageError } from '../storage/storage-error.js';
import type { BackupStorage } from '../storage/storage.js';

/**
 * Makes our own folder, where the locks are, in a storage that only the stock tool has written to. In a place without
 * metadata nothing is made: it may be an unmounted one.
 * @throws StorageError STORAGE_MISSING, CatalogError
 */
export async function beginUpkeep(storage: BackupStorage): Promise<void> {
  const { files } = await readKnownCatalog(storage);
  if (files > 0) {
    await storage.createBackup(OWN_FOLDER);
    return;
  }
  const why = `${storage.description} holds no metadata, so there is nothing to keep in order; check its name, and whether it is mounted`;
  throw new StorageError('STORAGE_MISSING', '', why);
}
