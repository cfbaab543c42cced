import { AptosDataError, decodeEpochEndingManifest, MAX_MANIFEST_BYTES } from '../aptos/index.js';
import { BackupError } from '../errors/backup-error.js';
import { OWN_FOLDER } from '../storage/handles.js';
import { isStorageError } from '../storage/storage-error.js';
import type { BackupStorage } from '../storage/storage.js';
import { readCatalog } from './catalog.js';
import { CHAIN_FILE, type StoredAnchor, isWritten } from './chain-file.js';
import { IDENTITY } from './metadata-file.js';
import { readOwn } from './stored-file.js';

/**
 * The genesis waypoint in the backup of epoch 0; undefined when there is none. Needed for a storage that the stock
 * tool began, and when the chain file is lost.
 */
export async function storedGenesis(storage: BackupStorage): Promise<string | undefined> {
  for (const { firstEpoch, manifest } of await epochEndings(storage)) {
    if (firstEpoch !== 0n) continue;
    const bytes = await readOwn(storage, manifest, MAX_MANIFEST_BYTES);
    const genesis = bytes && firstWaypoint(bytes);
    if (genesis !== undefined) return genesis;
  }
  return undefined;
}

/** Undefined for a damaged manifest: a verification reports it. */
function firstWaypoint(manifest: Uint8Array): string | undefined {
  try {
    return decodeEpochEndingManifest(manifest).waypoints[0];
  } catch (error) {
    if (error instanceof AptosDataError) return undefined;
    throw error;
  }
}

async function epochEndings(storage: BackupStorage) {
  try {
    return (await readCatalog(storage)).epochEndings;
  } catch (error) {
    if (isStorageError(error, 'STORAGE_MISSING')) return [];
    throw error;
  }
}

/**
 * Refuses a storage with a chain file but without metadata: somebody removed a part of it.
 * @throws BackupError METADATA_REMOVED
 */
export async function requireMetadata(storage: BackupStorage, own: StoredAnchor): Promise<void> {
  if (!isWritten(own) || (await storage.stat(IDENTITY)) !== undefined) return;
  if ((await storage.listMetadata()).length > 0) return;
  const why = `${storage.description} held backups, as ${CHAIN_FILE} says, and has no metadata any more: somebody removed a part of it; nothing was written. Put the metadata back; or, if that was meant, remove ${OWN_FOLDER}/ as well and start again: a new storage is begun then`;
  throw new BackupError('METADATA_REMOVED', why);
}

/** Whether the storage has a metadata file besides the identity. */
export async function hasMetadata(storage: BackupStorage): Promise<boolean> {
  return (await storage.listMetadata()).some((handle) => handle !== IDENTITY);
}
