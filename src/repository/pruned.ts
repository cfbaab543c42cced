import { AptosDataError } from '../aptos/index.js';
import { encodeDigested, isIntact } from '../lib/host/own-digest.js';
import type { Span } from '../lib/spans.js';
import { OWN_FOLDER } from '../storage/handles.js';
import type { BackupStorage } from '../storage/storage.js';
import type { BackupEntry } from './catalog.js';
import { putFile, readOwn, storedObject } from './stored-file.js';

const PRUNED_NAME = 'pruned.json';
const PRUNED_FILE = `${OWN_FOLDER}/${PRUNED_NAME}`;
const MAX_BYTES = 4096;

/** What keep rules gave up for good: everything below. */
interface Floors {
  epochs: bigint;
  versions: bigint;
}

/**
 * The epochs and versions that a keep rule gave up. Nobody misses them: a coordinator does not fetch them again, and a
 * verification does not call them missing. A damaged file gives nothing up.
 */
export async function prunedSpans(
  storage: BackupStorage,
): Promise<{ epochs: Span[]; versions: Span[] }> {
  const { epochs, versions } = await readFloors(storage);
  const below = (floor: bigint) => (floor > 0n ? [{ first: 0n, last: floor - 1n }] : []);
  return { epochs: below(epochs), versions: below(versions) };
}

/** Remembers that backups of epoch endings and transactions are given up. Call it before their lines go. */
export async function notePruned(
  storage: BackupStorage,
  entries: readonly BackupEntry[],
): Promise<void> {
  const known = await readFloors(storage);
  const floors = { ...known };
  for (const entry of entries) {
    if (entry.type === 'EpochEndingBackup' && entry.lastEpoch >= floors.epochs) {
      floors.epochs = entry.lastEpoch + 1n;
    }
    if (entry.type === 'TransactionBackup' && entry.lastVersion >= floors.versions) {
      floors.versions = entry.lastVersion + 1n;
    }
  }
  if (floors.epochs === known.epochs && floors.versions === known.versions) return;
  const content = encodeDigested({
    pruned: 1,
    epochs_from: `${floors.epochs}`,
    transactions_from: `${floors.versions}`,
  });
  await storage.createBackup(OWN_FOLDER);
  await putFile(storage, OWN_FOLDER, PRUNED_NAME, content, { replace: true });
}

async function readFloors(storage: BackupStorage): Promise<Floors> {
  const bytes = await readOwn(storage, PRUNED_FILE, MAX_BYTES);
  const none = { epochs: 0n, versions: 0n };
  if (!bytes || !isIntact(bytes)) return none;
  try {
    const fields = storedObject(bytes, PRUNED_NAME);
    return {
      epochs: BigInt(fields.decimal('epochs_from')),
      versions: BigInt(fields.decimal('transactions_from')),
    };
  } catch (error) {
    if (error instanceof AptosDataError) return none;
    throw error;
  }
}
