import { StorageError } from './errors.js';
import type { BackupStorage } from './storage.js';

/** A small file as one piece, part by part. @throws StorageError NOT_FOUND, TOO_LARGE */
export async function readWhole(
  storage: Pick<BackupStorage, 'description' | 'read'>,
  handle: string,
  maxBytes: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of storage.read(handle, signal)) {
    length += part.length;
    if (length > maxBytes) {
      const why = `${handle} in ${storage.description} is larger than ${maxBytes} bytes; it cannot be what its name says`;
      throw new StorageError('TOO_LARGE', handle, why, false);
    }
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts));
}
