import * as v from 'valibot';
import { type RestoreRates, restoreRates } from '../contract/answers/restore-answers.js';
import { encodeDigested, isIntact } from '../lib/host/own-digest.js';
import { OWN_FOLDER } from '../storage/handles.js';
import { StorageError } from '../storage/storage-error.js';
import type { BackupStorage } from '../storage/storage.js';
import { putFile, readOwn } from './stored-file.js';

const NAME = 'restore-rates.json';
const MAX_BYTES = 4096;

/** What the last drill with a stock binary measured; undefined when there was none, or its file is damaged. */
export async function readRestoreRates(storage: BackupStorage): Promise<RestoreRates | undefined> {
  const bytes = await readOwn(storage, `${OWN_FOLDER}/${NAME}`, MAX_BYTES);
  if (!bytes || !isIntact(bytes)) return undefined;
  const { success, output } = v.safeParse(restoreRates, jsonIn(bytes));
  return success ? output : undefined;
}

/** Stores them. If the storage cannot be written to, the drill still counts. */
export async function rememberRestoreRates(
  storage: BackupStorage,
  rates: RestoreRates,
): Promise<void> {
  try {
    const folder = await storage.createBackup(OWN_FOLDER);
    await putFile(storage, folder, NAME, encodeDigested({ ...rates }), { replace: true });
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
  }
}

function jsonIn(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}
