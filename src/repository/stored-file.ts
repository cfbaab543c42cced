import { createHash } from 'node:crypto';
import { Fields, parseJson } from '../aptos/index.js';
import { isStorageError } from '../storage/storage-error.js';
import type { Sent } from '../storage/backend.js';
import type { BackupStorage } from '../storage/storage.js';

/** Reads a stored file and returns its size and sha256; undefined when it is missing or damaged. */
export async function digestOf(
  storage: BackupStorage,
  handle: string,
): Promise<{ bytes: number; sha256: string } | undefined> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const part of storage.read(handle)) {
      hash.update(part);
      bytes += part.length;
    }
  } catch (error) {
    if (isStorageError(error, 'NOT_FOUND', 'DAMAGED')) {
      return undefined;
    }
    throw error;
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** The content of a small stored file; undefined when there is none. */
async function readIfPresent(
  storage: BackupStorage,
  handle: string,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  try {
    return await storage.readAll(handle, maxBytes);
  } catch (error) {
    if (isStorageError(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}

/**
 * The content of a small file that we wrote; undefined when there is none. A file that is larger than `maxBytes`,
 * or whose gzip data is incomplete, is damaged: it reads as empty, and the caller's parser rejects that.
 */
export async function readOwn(
  storage: BackupStorage,
  handle: string,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  try {
    return await readIfPresent(storage, handle, maxBytes);
  } catch (error) {
    if (isStorageError(error, 'TOO_LARGE', 'DAMAGED')) {
      return new Uint8Array();
    }
    throw error;
  }
}

/** Whether a handle names a stored file. A handle that leads out of the storage does not. */
export async function isStored(storage: BackupStorage, handle: string): Promise<boolean> {
  return (await storedBytes(storage, handle)) !== undefined;
}

/**
 * The size of a file as it is stored; undefined when there is none. Manifests may name files in other folders, and
 * handles that lead out of the storage: there is none.
 */
export async function storedBytes(
  storage: BackupStorage,
  handle: string,
): Promise<bigint | undefined> {
  try {
    return (await storage.stat(handle))?.bytes;
  } catch (error) {
    if (isStorageError(error, 'NAME_INVALID')) return undefined;
    throw error;
  }
}

/**
 * The storage's mark of a file that was just published. None where the storage holds another number of bytes than it was
 * sent, or did not say that it checked them: whoever relies on the file then reads it.
 */
export async function stampOf(
  storage: BackupStorage,
  handle: string,
  sent: Sent | undefined,
): Promise<string | undefined> {
  const stat = await storage.stat(handle);
  if (sent && !(sent.isChecked && stat?.bytes === sent.bytes)) return undefined;
  return stat?.stamp;
}

/** Parses a JSON object that we stored. `what` names it in errors. @throws AptosDataError JSON_INVALID */
export function storedObject(bytes: Uint8Array, what: string): Fields {
  return new Fields(parseJson(Buffer.from(bytes).toString('utf8')), what, 'JSON_INVALID');
}

/**
 * Stores a small file in one write. Keeps an existing file unless `replace` is set; `outcome` says which. `sent`: of a
 * created one, if its storage has such.
 */
export async function putFile(
  storage: BackupStorage,
  folder: string,
  name: string,
  content: Uint8Array,
  options: { replace?: boolean } = {},
): Promise<{ handle: string; outcome: 'created' | 'exists'; sent?: Sent | undefined }> {
  const writer = await storage.createFile(folder, name);
  try {
    await writer.write(content);
    const outcome = await writer.publish({ replace: options.replace ?? false });
    return { handle: writer.handle, outcome, ...(outcome === 'created' && { sent: writer.sent }) };
  } finally {
    await writer.discard();
  }
}
