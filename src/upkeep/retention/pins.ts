import { BACKUP_TYPES } from '../../contract/kinds/index.js';
import { entriesOf, readCatalog, readKnownCatalog } from '../../repository/catalog.js';
import { withCommitLock } from '../../repository/commit-lock.js';
import { type Pin, pin, readPins, unpin } from '../../repository/kept.js';
import type { BackupStorage } from '../../storage/storage.js';
import { beginUpkeep } from '../begin-upkeep.js';
import type { UpkeepTools } from './retire.js';
import { PruneError } from './prune-error.js';
import { folderOf } from './plan.js';

/**
 * Pins a committed backup: no keep rule retires it. Under the commit lock, so that a prune that runs now sees the pin or
 * has retired the backup before. Returns its folder.
 * @throws PruneError BACKUP_UNKNOWN when no metadata line names it
 */
export async function keepBackup(
  backup: string,
  note: string | undefined,
  { storage, holder, signal, report }: UpkeepTools,
): Promise<string> {
  const folder = backup.split('/')[0]!;
  await beginUpkeep(storage);
  return withCommitLock(storage, holder, { signal, report }, async (lock) => {
    const catalog = await readKnownCatalog(storage);
    const entry = BACKUP_TYPES.flatMap((type) => entriesOf(catalog, type)).find(
      (one) => folderOf(one) === folder,
    );
    if (!entry) {
      throw new PruneError(
        'BACKUP_UNKNOWN',
        `no metadata line in ${storage.description} names a backup ${folder}; give the folder of a committed backup, such as transaction_0-.1a2b`,
      );
    }
    await lock.requireHeld();
    await pin(storage, folder, entry.manifest, note);
    return folder;
  });
}

/** Takes the pin of a backup away. @throws PruneError BACKUP_UNKNOWN when it has none */
export async function unkeepBackup(backup: string, { storage }: UpkeepTools): Promise<string> {
  const folder = backup.split('/')[0]!;
  if (await unpin(storage, folder)) return folder;
  throw new PruneError('BACKUP_UNKNOWN', `${folder} in ${storage.description} is not pinned`);
}

/** All pins, by folder. A storage that lists no folders is asked about each committed backup. */
export async function listPins({ storage }: UpkeepTools): Promise<Pin[]> {
  const folders = storage.byNameOnly ? await committedFolders(storage) : [];
  const pins = [...(await readPins(storage, folders)).values()];
  return pins.sort((a, b) => (a.folder < b.folder ? -1 : 1));
}

async function committedFolders(storage: BackupStorage): Promise<string[]> {
  const catalog = await readCatalog(storage);
  return BACKUP_TYPES.flatMap((type) => entriesOf(catalog, type).map(folderOf));
}
