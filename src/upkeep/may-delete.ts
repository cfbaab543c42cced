import { putFile } from '../repository/stored-file.js';
import { OWN_FOLDER } from '../storage/handles.js';
import type { BackupStorage } from '../storage/storage.js';

const PROBE = 'may-delete.json';

/** Tries it with a file of our own: nothing must be marked or half retired where nothing can be removed. */
export async function mayDelete(storage: BackupStorage): Promise<boolean> {
  await putFile(storage, OWN_FOLDER, PROBE, Buffer.from('{"probe":1}\n'), { replace: true });
  return storage.removeFileIfAllowed(`${OWN_FOLDER}/${PROBE}`);
}
