import { AptosDataError } from '../aptos/index.js';
import { encodeDigested, isIntact } from '../lib/host/own-digest.js';
import { StorageError } from '../storage/storage-error.js';
import { OWN_FOLDER } from '../storage/handles.js';
import type { BackupStorage } from '../storage/storage.js';
import { putFile, readOwn, storedObject } from './stored-file.js';
import type { VerifiedTimes } from '../contract/answers/coordinator-answers.js';

const KINDS = [
  ...['first', 'good', 'whole', 'rotated', 'failed'],
  ...['drilled', 'restored', 'drill_failed'],
] as const;
const MAX_BYTES = 4096;
const LATEST_MS = 8_640_000_000_000_000;

/** One file for each time, so that two verifications that end together do not undo each other. */
const nameOf = (kind: (typeof KINDS)[number]) => `verified-${kind}.json`;

/**
 * The times that verifications have stored in the storage, because servers forget ended workflows. A
 * damaged or missing one is unknown.
 * @throws StorageError
 */
export async function readVerifiedTimes(storage: BackupStorage): Promise<VerifiedTimes> {
  const times: VerifiedTimes = {};
  for (const kind of KINDS) {
    const bytes = await readOwn(storage, `${OWN_FOLDER}/${nameOf(kind)}`, MAX_BYTES);
    const at = bytes && timeIn(bytes, kind);
    if (at !== undefined) times[kind] = at;
  }
  return times;
}

function timeIn(bytes: Uint8Array, kind: string): number | undefined {
  if (!isIntact(bytes)) return undefined;
  try {
    const at = Number(storedObject(bytes, kind).string('at'));
    return Number.isInteger(at) && at > 0 && at <= LATEST_MS ? at : undefined;
  } catch (error) {
    if (error instanceof AptosDataError) return undefined;
    throw error;
  }
}

/** Stores the times in the storage. If it cannot be written to, the verification still counts. */
export async function rememberVerified(
  storage: BackupStorage,
  times: VerifiedTimes,
): Promise<void> {
  try {
    const folder = await storage.createBackup(OWN_FOLDER);
    for (const kind of KINDS) {
      const at = times[kind];
      if (at === undefined) continue;
      // The first time never changes.
      const replace = kind !== 'first';
      await putFile(storage, folder, nameOf(kind), encodeDigested({ at: `${at}` }), { replace });
    }
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
  }
}
