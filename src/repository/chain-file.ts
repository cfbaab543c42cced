import { AptosDataError, formatWaypoint, parseWaypoint } from '../aptos/index.js';
import { isIntact } from '../lib/host/own-digest.js';
import { OWN_FOLDER } from '../storage/handles.js';
import type { BackupStorage } from '../storage/storage.js';
import { readOwn, storedObject } from './stored-file.js';

/** A file in our own folder that says which chain a storage belongs to. */
export const CHAIN_FILE_NAME = 'chain.json';
export const CHAIN_FILE = `${OWN_FOLDER}/${CHAIN_FILE_NAME}`;
const MAX_BYTES = 64 * 1024;

/** The content of that file. Undefined: the storage was not begun by aptos-backup. */
export type StoredAnchor = { genesis: string } | 'damaged' | undefined;

export function isWritten(own: StoredAnchor): own is { genesis: string } {
  return own !== undefined && own !== 'damaged';
}

/**
 * The genesis waypoint in the file of a storage; undefined if the storage was not begun by aptos-backup.
 */
export async function storedAnchor(storage: BackupStorage): Promise<StoredAnchor> {
  const bytes = await readOwn(storage, CHAIN_FILE, MAX_BYTES);
  if (!bytes) return undefined;
  try {
    const fields = storedObject(bytes, CHAIN_FILE_NAME);
    // Older files have no digest, and a person may have written one.
    if (fields.optional('digest') !== undefined && !isIntact(bytes)) return 'damaged';
    return { genesis: formatWaypoint(parseWaypoint(fields.string('genesis_waypoint'))) };
  } catch (error) {
    if (error instanceof AptosDataError) return 'damaged';
    throw error;
  }
}
