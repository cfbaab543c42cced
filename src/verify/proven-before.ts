import { createHash } from 'node:crypto';
import { encodeDigested, isIntact } from '../own-digest.js';
import { putFile, readOwn, storedObject } from '../backup/stored-file.js';
import { AptosDataError } from '../aptos/errors.js';
import type { Proven } from '../plan/unit.js';
import type { Piece, UnitSlice } from '../plan/verify.js';
import { StorageError } from '../storage/errors.js';
import type { BackupStorage } from '../storage/storage.js';

/** What an earlier verification proved about a slice; kept beside the backup itself. */
export interface ProvenSlice {
  pieces: Piece[];
  records: number;
  proven: Proven;
}

const MAX_BYTES = 1024 * 1024;

/** Our files in a backup's folder that say what was proven. */
export function isProvenRecord(name: string): boolean {
  return /^verified-[0-9]+-[0-9]+\.json$/.test(name);
}

/**
 * A short name for the state of some files, as the store tells it, and for what was trusted: when
 * both are the same as at the last proof, reading them again would tell nothing new.
 */
export async function fingerprint(
  storage: BackupStorage,
  handles: readonly string[],
  trust: string,
): Promise<string> {
  const digest = createHash('sha256').update(`${trust}\n`);
  for (const handle of handles) {
    digest.update(`${handle} ${(await stampOf(storage, handle)) ?? 'missing'}\n`);
  }
  return digest.digest('hex');
}

async function stampOf(storage: BackupStorage, handle: string): Promise<string | undefined> {
  try {
    return await storage.stamp(handle);
  } catch (error) {
    if (error instanceof StorageError && error.code === 'NAME_INVALID') return undefined;
    throw error;
  }
}

export async function readProven(
  storage: BackupStorage,
  slice: UnitSlice,
  expected: string,
): Promise<ProvenSlice | undefined> {
  const { folder, name } = placeOf(slice);
  try {
    const bytes = await readOwn(storage, `${folder}/${name}`, MAX_BYTES);
    // What it says would be reported as a fact: a damaged record is none.
    if (!bytes || !isIntact(bytes)) return undefined;
    const fields = storedObject(bytes, name);
    if (fields.count('verified') !== 1 || fields.string('fingerprint') !== expected) {
      return undefined;
    }
    const result = JSON.parse(fields.string('result')) as ProvenSlice;
    return Array.isArray(result.pieces) && Number.isInteger(result.records) ? result : undefined;
  } catch (error) {
    if (error instanceof AptosDataError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Remembers a proof. A storage that cannot be written to is verified all the same, each time. */
export async function rememberProven(
  storage: BackupStorage,
  slice: UnitSlice,
  state: string,
  result: ProvenSlice,
): Promise<void> {
  const { folder, name } = placeOf(slice);
  const record = { verified: 1, fingerprint: state, result: JSON.stringify(result) };
  try {
    await putFile(storage, folder, name, encodeDigested(record), { replace: true });
  } catch (error) {
    if (error instanceof StorageError) return;
    throw error;
  }
}

/** Lets the next verification read a slice again, also when the store says that nothing has changed. */
export async function forgetProven(storage: BackupStorage, slice: UnitSlice): Promise<void> {
  const { folder, name } = placeOf(slice);
  try {
    await storage.removeFile(`${folder}/${name}`);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
  }
}

function placeOf({ manifest, from, to }: UnitSlice): { folder: string; name: string } {
  return {
    folder: manifest.slice(0, manifest.lastIndexOf('/')),
    name: `verified-${from}-${to}.json`,
  };
}
