import { createHash } from 'node:crypto';
import {
  AptosDataError,
  type BatchHasher,
  type JsonObject,
  MAX_MANIFEST_BYTES,
  type RecordBlock,
  RecordFramer,
} from '../aptos/index.js';
import { isStorageError } from '../storage/storage-error.js';
import type { BackupStorage } from '../storage/storage.js';

/** What the checks of records use. Whoever copies what is checked gives a storage that sees all that is read. */
export interface RecordTools {
  storage: Pick<BackupStorage, 'read' | 'readAll'>;
  hasher: BatchHasher;
  /** Called about once a megabyte, and for every object. */
  onProgress: (more: { bytes: number; objects: number }) => void;
}

/** What all checks of one task use. */
export interface CheckTools extends RecordTools {
  storage: BackupStorage;
}

/**
 * Reads a whole chunk file and passes its records to `verifier`. Stops when there are more than `most` records: a
 * damaged gzip file may expand without end. `extra` has our fields of the manifest: when it has size and digest,
 * they are compared as well. @throws AptosDataError, StorageError
 */
export async function readChunk(
  tools: RecordTools,
  handle: string,
  extra: JsonObject | undefined,
  most: bigint,
  verifier: { add(block: RecordBlock, from: number, to: number): void },
): Promise<void> {
  const framer = new RecordFramer(tools.hasher);
  const digest = createHash('sha256');
  let bytes = 0;
  let unproven: AptosDataError | undefined;
  for await (const part of tools.storage.read(handle)) {
    digest.update(part);
    bytes += part.length;
    unproven ??= unsupported(() => {
      for (const block of framer.push(part)) verifier.add(block, 0, block.count);
    });
    tools.onProgress({ bytes: part.length, objects: 0 });
    if (BigInt(framer.recordCount) > most) {
      throw new AptosDataError(
        'RECORD_INVALID',
        `it has more than the ${most} records it should have`,
      );
    }
  }
  unproven ??= unsupported(() => {
    const rest = framer.flush();
    if (rest) verifier.add(rest, 0, rest.count);
  });
  tools.onProgress({ bytes: 0, objects: 1 });
  requireDigest(extra, 'sha256', digest.digest('hex'), bytes);
  if (unproven) throw unproven;
}

/** @throws AptosDataError when the digest of a chunk file is not the one that our manifest recorded in `extra` */
export async function requireUnchanged(
  tools: RecordTools,
  handle: string,
  extra: JsonObject | undefined,
): Promise<void> {
  const digest = createHash('sha256');
  for await (const part of tools.storage.read(handle)) digest.update(part);
  requireDigest(extra, 'sha256', digest.digest('hex'));
}

/**
 * Runs `step` and returns an error about an unknown form instead of throwing it. The caller compares the digest
 * first: when the file is damaged, that is what must be reported.
 */
export function unsupported(step: () => void): AptosDataError | undefined {
  try {
    step();
  } catch (error) {
    if (error instanceof AptosDataError && error.code === 'UNSUPPORTED') return error;
    throw error;
  }
  return undefined;
}

/** What a chunk is taken for where its size cannot be asked for. */
const USUAL_CHUNK_BYTES = 128n * 1024n * 1024n;

/** Bytes of a chunk as it is stored. 0 when the file is missing: whoever reads it reports that. */
export async function sizeOf(storage: BackupStorage, handle: string): Promise<bigint> {
  if (storage.byNameOnly) return USUAL_CHUNK_BYTES; // it would be read to its end
  try {
    return (await storage.stat(handle))?.bytes ?? 0n;
  } catch (error) {
    if (isStorageError(error, 'NAME_INVALID')) return 0n;
    throw error;
  }
}

/**
 * Reads a small file: a proof or a manifest. @throws AptosDataError when its digest is not the one that our manifest
 * recorded in `extra`; StorageError
 */
export async function readSmall(
  tools: RecordTools,
  handle: string,
  extra?: JsonObject,
): Promise<Uint8Array> {
  const bytes = await tools.storage.readAll(handle, MAX_MANIFEST_BYTES);
  tools.onProgress({ bytes: bytes.length, objects: 1 });
  const digest = createHash('sha256').update(bytes).digest('hex');
  requireDigest(extra, 'proof_sha256', digest);
  return bytes;
}

/** @throws AptosDataError when size or digest of a file is not the one that our manifest recorded in `extra` */
export function requireDigest(
  extra: JsonObject | undefined,
  field: string,
  actual: string,
  bytes?: number,
): void {
  const expected = extra?.[field];
  const size = extra?.['bytes'];
  if (bytes !== undefined && typeof size === 'bigint' && size !== BigInt(bytes)) {
    throw changed(`it has ${bytes} bytes, its manifest says ${size}`);
  }
  if (typeof expected === 'string' && expected !== actual) {
    throw changed(`its content has digest ${actual}, its manifest says ${expected}`);
  }
}

function changed(why: string): AptosDataError {
  return new AptosDataError('RECORD_INVALID', `changed since it was written: ${why}`);
}
