import { createHash } from 'node:crypto';
import { Fields } from '../aptos/files/fields.js';
import { parseJson } from '../aptos/files/json.js';
import { StorageError } from '../storage/errors.js';
import type { BackupStorage } from '../storage/storage.js';

/** Size and sha256 of a stored file, read as a stream; undefined when there is none. */
export async function digestOf(
  storage: BackupStorage,
  handle: string,
  signal?: AbortSignal,
): Promise<{ bytes: number; sha256: string } | undefined> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const part of storage.read(handle, signal)) {
      hash.update(part);
      bytes += part.length;
    }
  } catch (error) {
    if (error instanceof StorageError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** A stored small file, or undefined when there is none. */
export async function readIfPresent(
  storage: BackupStorage,
  handle: string,
  maxBytes: number,
  signal?: AbortSignal,
): Promise<Uint8Array | undefined> {
  try {
    return await storage.readAll(handle, maxBytes, signal);
  } catch (error) {
    if (error instanceof StorageError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

/**
 * The same for a file that only we write: one that is larger than any of ours is damaged as others are, and
 * reads as empty.
 */
export async function readOwn(
  storage: BackupStorage,
  handle: string,
  maxBytes: number,
  signal?: AbortSignal,
): Promise<Uint8Array | undefined> {
  try {
    return await readIfPresent(storage, handle, maxBytes, signal);
  } catch (error) {
    if (error instanceof StorageError && error.code === 'TOO_LARGE') return new Uint8Array();
    throw error;
  }
}

/** Whether a handle names a file; one that leads out of the storage names none in it. */
export async function isStored(storage: BackupStorage, handle: string): Promise<boolean> {
  try {
    return (await storage.size(handle)) !== undefined;
  } catch (error) {
    if (error instanceof StorageError && error.code === 'NAME_INVALID') return false;
    throw error;
  }
}

/** The fields of a stored JSON object of ours. @throws AptosDataError JSON_INVALID */
export function storedObject(bytes: Uint8Array, what: string): Fields {
  return new Fields(parseJson(Buffer.from(bytes).toString('utf8')), what, 'JSON_INVALID');
}

/** Stores a small file at once, create-only unless `replace`. */
export async function putFile(
  storage: BackupStorage,
  folder: string,
  name: string,
  content: Uint8Array,
  options: { replace?: boolean; signal?: AbortSignal | undefined } = {},
): Promise<{ handle: string; outcome: 'created' | 'exists' }> {
  const writer = await storage.createFile(folder, name, options.signal);
  try {
    await writer.write(content);
    const outcome = await writer.publish({ replace: options.replace ?? false });
    return { handle: writer.handle, outcome };
  } finally {
    await writer.discard();
  }
}
