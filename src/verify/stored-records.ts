import { createHash } from 'node:crypto';
import { AptosDataError } from '../aptos/errors.js';
import type { JsonObject } from '../aptos/files/json.js';
import { MAX_MANIFEST_BYTES } from '../aptos/files/manifest.js';
import type { BatchHasher } from '../aptos/hash/batch-hasher.js';
import { type RecordBlock, RecordFramer } from '../aptos/records/framing.js';
import { StorageError } from '../storage/errors.js';
import type { BackupStorage } from '../storage/storage.js';

/** What all checks of one task share. */
export interface CheckTools {
  storage: BackupStorage;
  hasher: BatchHasher;
  signal: AbortSignal;
  /** Called about once a megabyte, and for every object. */
  onProgress: (more: { bytes: number; objects: number }) => void;
}

/**
 * Reads a whole chunk file through a verifier. The sizes and digests that a manifest of ours has are
 * compared, too. @throws AptosDataError, StorageError
 */
export async function readChunk(
  tools: CheckTools,
  handle: string,
  extra: JsonObject | undefined,
  verifier: { add(block: RecordBlock, from: number, to: number): void },
): Promise<void> {
  const framer = new RecordFramer(tools.hasher);
  const digest = createHash('sha256');
  let bytes = 0;
  for await (const part of tools.storage.read(handle, tools.signal)) {
    digest.update(part);
    bytes += part.length;
    for (const block of framer.push(part)) verifier.add(block, 0, block.count);
    tools.onProgress({ bytes: part.length, objects: 0 });
  }
  const rest = framer.flush();
  if (rest) verifier.add(rest, 0, rest.count);
  tools.onProgress({ bytes: 0, objects: 1 });
  requireDigest(extra, 'sha256', digest.digest('hex'), bytes);
}

/** Of a file that is missing, which is told by who reads it: 0. */
export async function sizeOf(storage: BackupStorage, handle: string): Promise<bigint> {
  try {
    return (await storage.size(handle)) ?? 0n;
  } catch (error) {
    if (error instanceof StorageError && error.code === 'NAME_INVALID') return 0n;
    throw error;
  }
}

/** A proof or manifest. @throws AptosDataError when it is not what a manifest of ours recorded */
export async function readSmall(
  tools: CheckTools,
  handle: string,
  extra?: JsonObject,
): Promise<Uint8Array> {
  const bytes = await tools.storage.readAll(handle, MAX_MANIFEST_BYTES, tools.signal);
  tools.onProgress({ bytes: bytes.length, objects: 1 });
  const digest = createHash('sha256').update(bytes).digest('hex');
  requireDigest(extra, 'proof_sha256', digest);
  return bytes;
}

function requireDigest(
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
