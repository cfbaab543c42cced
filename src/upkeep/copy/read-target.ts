import { BackupError } from '../../errors/backup-error.js';
import { type Catalog, readKnownCatalog } from '../../repository/catalog.js';
import { isStorageError } from '../../storage/storage-error.js';
import type { BackupStorage } from '../../storage/storage.js';

/** The catalogue of the target of a copy; undefined when there is no storage yet. */
export async function readTarget(to: BackupStorage): Promise<Catalog | undefined> {
  try {
    return await readKnownCatalog(to);
  } catch (error) {
    if (isStorageError(error, 'STORAGE_MISSING')) return undefined;
    throw error;
  }
}

/** Checks that a target that was copied to before is still there. @throws BackupError STORAGE_EMPTIED */
export function requireTarget(to: BackupStorage, target: Catalog | undefined): void {
  if (target !== undefined && backupsOf(target) > 0) return;
  const why = `${to.description} held copies before and holds none now: it was unmounted or emptied; nothing is written before it is back. If it was emptied on purpose, take copy_to away from the coordinator and give it again: then it is filled anew`;
  throw new BackupError('STORAGE_EMPTIED', why);
}

export function backupsOf({ epochEndings, transactions, snapshots }: Catalog): number {
  return epochEndings.length + transactions.length + snapshots.length;
}
