import { AptosDataError, type JsonObject, MAX_MANIFEST_BYTES } from '../../aptos/index.js';
import type { HowProven } from '../../contract/answers/inventory-answers.js';
import type { BackupType } from '../../contract/job.js';
import type { Proven } from '../../contract/unit.js';
import { MANIFEST_KINDS, type Named } from '../../repository/manifest-kinds.js';
import { type UnitLook, unitLook } from '../../repository/unit-look.js';
import type { ListedFile } from '../../storage/backend.js';
import type { BackupStorage } from '../../storage/storage.js';
import { isStorageError } from '../../storage/storage-error.js';
import { leastProven } from '../../trust/proven.js';

const CHAINED = /^chained to waypoint (\d{1,20}:[0-9a-f]{64})$/;

/** What a backup's manifest and folder say. */
export interface BackupFacts {
  /** Undefined when `fault` says why the manifest cannot be used. */
  manifest?: Named;
  /** Of the manifest, without gzip. */
  manifestBytes?: number;
  fault?: string;
  /** The files below its folder, by handle. Undefined where nothing but metadata can be listed. */
  listed?: ReadonlyMap<string, ListedFile>;
  look: UnitLook;
  proven: HowProven;
  /** The waypoint that it is chained to. */
  waypoint?: string;
}

/** Reads the manifest of a backup and lists its folder: a few requests. @throws StorageError when the storage is away */
export async function factsOf(
  storage: BackupStorage,
  type: BackupType,
  manifest: string,
): Promise<BackupFacts> {
  const folder = manifest.slice(0, manifest.lastIndexOf('/'));
  const listed = await listingOf(storage, folder);
  const names = [...(listed?.keys() ?? [])].map((handle) => handle.slice(folder.length + 1));
  const look = await unitLook(storage, folder, names);
  const read = await readManifest(storage, type, manifest);
  const said = 'manifest' in read ? read.manifest.extra : undefined;
  const { proven, waypoint } = howProven(provenOf(said), look);
  return {
    ...read,
    look,
    proven,
    ...(listed ? { listed } : {}),
    ...(waypoint === undefined ? {} : { waypoint }),
  };
}

/** How a backup is proven, as its commit found; undefined when it is not one of ours. */
function provenOf(extra: JsonObject | undefined): Proven | undefined {
  const proven = extra?.['proven'];
  return typeof proven === 'string' ? (proven as Proven) : undefined;
}

/** A verification may have proven what no commit of ours has, or what could not be proven yet. */
function howProven(
  said: Proven | undefined,
  { proven: found }: UnitLook,
): Pick<BackupFacts, 'proven' | 'waypoint'> {
  const best = said === 'signed' || !found ? said : leastProven(found);
  const [, waypoint] = CHAINED.exec(best ?? '') ?? [];
  if (waypoint !== undefined) return { proven: 'chained', waypoint };
  if (best === 'signed') return { proven: 'signed' };
  return { proven: best === 'not yet proven' ? 'unproven' : 'unknown' };
}

async function listingOf(storage: BackupStorage, folder: string) {
  if (storage.byNameOnly || folder === '') return undefined;
  try {
    const files = await storage.listFolder(folder);
    return new Map(files.map((file) => [file.handle, file]));
  } catch (error) {
    if (isStorageError(error, 'NAME_INVALID')) return undefined;
    throw error;
  }
}

async function readManifest(
  storage: BackupStorage,
  type: BackupType,
  handle: string,
): Promise<Pick<BackupFacts, 'manifest' | 'manifestBytes' | 'fault'>> {
  try {
    const bytes = await storage.readAll(handle, MAX_MANIFEST_BYTES);
    return { manifest: MANIFEST_KINDS[type].read(bytes), manifestBytes: bytes.length };
  } catch (error) {
    if (isStorageError(error, 'NOT_FOUND')) return { fault: `its manifest ${handle} is missing` };
    const damaged =
      error instanceof AptosDataError ||
      isStorageError(error, 'TOO_LARGE', 'DAMAGED', 'NAME_INVALID');
    if (!damaged) throw error;
    return { fault: `its manifest ${handle} cannot be used: ${error.message}` };
  }
}
