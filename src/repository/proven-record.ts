import { encodeDigested, isIntact } from '../lib/host/own-digest.js';
import { AptosDataError } from '../aptos/index.js';
import type { Proven } from '../contract/unit.js';
import type { Piece, UnitSlice } from '../contract/verification.js';
import { StorageError } from '../storage/storage-error.js';
import type { BackupStorage } from '../storage/storage.js';
import { putFile, readOwn, storedObject } from './stored-file.js';

/** What a verification proved about a slice. It is kept in the backup's folder (docs/formats.md, Our own files). */
export interface ProvenSlice {
  pieces: Piece[];
  records: number;
  proven: Proven;
  /** The newest epoch that its ledger infos name; only for transactions. */
  ledgerEpoch?: string;
}

/** The record of the last time that a verification read a slice. */
export interface Look {
  /** When it was read, in unix milliseconds. */
  at: number;
  /** The slice has chunks `from` to `to - 1`. */
  from: number;
  to: number;
  /** How many chunks the whole backup has. */
  of: number;
  /** Absent when the slice was not sound. */
  proof?: { files: FilesState; trust: string; result: ProvenSlice };
}

/**
 * Digests over the names and stamps (size, times, inode) of some files. While they are the same as at the last
 * proof, the files are not read again. `butInodes` leaves out the inode numbers: some network shares give a
 * file another one each time.
 */
export interface FilesState {
  all: string;
  butInodes: string;
}

const MAX_BYTES = 1024 * 1024;
const NAME = /^verified-([0-9]{1,9})-([0-9]{1,9})\.json$/;

/** Whether a file name is that of a record of a verification. */
export function isProvenRecord(name: string): boolean {
  return NAME.test(name);
}

/** Reads the record of the last look at a slice. Undefined when there is none, or when it is damaged. */
export async function readLook(
  storage: BackupStorage,
  folder: string,
  name: string,
): Promise<Look | undefined> {
  const [, from, to] = NAME.exec(name) ?? [];
  try {
    const bytes = await readOwn(storage, `${folder}/${name}`, MAX_BYTES);
    // The record would be believed without reading the backup, so a damaged one must not count.
    if (!bytes || !isIntact(bytes) || from === undefined) return undefined;
    const fields = storedObject(bytes, name);
    if (fields.count('verified') !== 2) return undefined;
    const look = {
      at: fields.count('at'),
      from: Number(from),
      to: Number(to),
      of: fields.count('of'),
    };
    const text = fields.string('proof');
    if (text === '') return look;
    const proof = JSON.parse(text) as Look['proof'];
    const { pieces, records } = proof!.result;
    return Array.isArray(pieces) && Number.isInteger(records)
      ? { ...look, proof: proof! }
      : undefined;
  } catch (error) {
    if (error instanceof AptosDataError || error instanceof SyntaxError) return undefined;
    if (error instanceof TypeError) return undefined; // the JSON has not the form of a proof
    throw error;
  }
}

/**
 * Records that a slice was read just now, and what was proven. Without `proof` the next verification reads the
 * slice again, even if its files are unchanged. Returns false when the storage cannot be written to: then every
 * verification reads everything.
 */
export async function noteLook(
  storage: BackupStorage,
  slice: UnitSlice,
  proof?: Look['proof'],
): Promise<boolean> {
  const folder = folderOf(slice);
  const name = recordOf(slice);
  const text = proof ? JSON.stringify(proof) : '';
  const record = { verified: 2, at: Date.now(), of: slice.of, proof: text };
  try {
    await putFile(storage, folder, name, encodeDigested(record), { replace: true });
    return true;
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    if (!proof) await storage.removeFile(`${folder}/${name}`).catch(() => undefined);
    return false;
  }
}

export function recordOf({ from, to }: Pick<UnitSlice, 'from' | 'to'>): string {
  return `verified-${from}-${to}.json`;
}

export function folderOf({ manifest }: { manifest: string }): string {
  return manifest.slice(0, manifest.lastIndexOf('/'));
}
