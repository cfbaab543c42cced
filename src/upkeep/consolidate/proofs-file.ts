import { createHash } from 'node:crypto';
import { AptosDataError, Fields } from '../../aptos/index.js';
import { encodeDigested, isIntact } from '../../lib/host/own-digest.js';
import type { TransactionEntry } from '../../repository/catalog.js';
import { putFile, readOwn, storedObject } from '../../repository/stored-file.js';
import { PROOFS_FILE } from '../../repository/unit-folder.js';
import type { BackupStorage } from '../../storage/storage.js';
import type { ProvenCut } from './make-proofs.js';

const MAX_BYTES = 256 * 1024 * 1024;

/** What identifies the small backups of a group: other ones need other proofs. */
export function digestOfParts(parts: readonly TransactionEntry[]): string {
  const digest = createHash('sha256');
  for (const { firstVersion, lastVersion, manifest } of parts) {
    digest.update(`${firstVersion} ${lastVersion} ${manifest}\n`);
  }
  return digest.digest('hex');
}

/**
 * Keeps the proofs beside the chunks (docs/formats.md, Our own files), so that a consolidation that is interrupted
 * need not read all small backups again. Nobody trusts the file: each chunk is proven by its proof before it counts.
 */
export async function writeProofs(
  storage: BackupStorage,
  folder: string,
  of: string,
  cuts: readonly ProvenCut[],
): Promise<void> {
  const chunks = cuts.map(({ first, last, proof }) => {
    return { first: `${first}`, last: `${last}`, proof: Buffer.from(proof).toString('base64') };
  });
  const content = encodeDigested({ proofs: 1, of, chunks });
  await putFile(storage, folder, PROOFS_FILE, content, { replace: true });
}

/** The proofs of an earlier attempt with the same small backups; undefined when there are none. */
export async function readProofs(
  storage: BackupStorage,
  folder: string,
  of: string,
): Promise<ProvenCut[] | undefined> {
  const bytes = await readOwn(storage, `${folder}/${PROOFS_FILE}`, MAX_BYTES);
  if (!bytes || !isIntact(bytes)) return undefined;
  try {
    const fields = storedObject(bytes, PROOFS_FILE);
    if (fields.count('proofs') !== 1 || fields.string('of') !== of) return undefined;
    return fields.list('chunks').map((value) => {
      const chunk = new Fields(value, PROOFS_FILE, 'JSON_INVALID');
      const [first, last] = [BigInt(chunk.decimal('first')), BigInt(chunk.decimal('last'))];
      return { first, last, proof: new Uint8Array(Buffer.from(chunk.string('proof'), 'base64')) };
    });
  } catch (error) {
    if (error instanceof AptosDataError) return undefined;
    throw error;
  }
}
