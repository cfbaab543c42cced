import { StorageError } from './storage-error.js';

/** Puts the parts of a file together. `place` is where it is, for messages. @throws StorageError TOO_LARGE */
export async function wholeOf(
  parts: AsyncIterable<Uint8Array>,
  { handle, maxBytes, place }: { handle: string; maxBytes: number; place: string },
): Promise<Uint8Array> {
  const found: Uint8Array[] = [];
  let length = 0;
  for await (const part of parts) {
    length += part.length;
    if (length > maxBytes) {
      const why = `${handle} in ${place} is larger than ${maxBytes} bytes; it cannot be what its name says`;
      throw new StorageError('TOO_LARGE', handle, why);
    }
    found.push(part);
  }
  return new Uint8Array(Buffer.concat(found));
}
