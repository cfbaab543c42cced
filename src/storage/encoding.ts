import type { Files } from './backend.js';
import { damageOf, GzipWriter, inflate } from './gzip.js';
import { StorageError } from './storage-error.js';
import { METADATA, RETIRED } from './handles.js';
import { isGzip } from './looks.js';
import type { MetadataLooks } from './metadata-looks.js';

/** Files that the stock tool reads as well. Our own files are small and stay plain. */
const OF_THE_FORMAT = /\.(chunk|proof|manifest)$/;

/**
 * Reads and writes files that may be gzip'd, like those that the stock tool writes through an adapter.
 * Each file is decoded by what it contains. New files are gzip'd when the metadata of the storage is
 * (docs/formats.md, Encoding). All users of a storage share `looks`. `signal` is the signal of `files`.
 */
export function withEncoding(
  files: Files,
  looks: MetadataLooks,
  signal?: AbortSignal,
): Pick<Files, 'create' | 'read'> {
  /**
   * A plain chunk could only begin like this with a record of 529 MB, and a plain manifest not at all. Metadata makes it
   * certain. Where there is too much of it to look at, only a proof counts as plain.
   */
  const isEncoded = async (handle: string, head: Uint8Array) => {
    const looksSo = isGzip(head);
    if (handle.startsWith(`${METADATA}/`)) looks.saw(looksSo && head.length > 2);
    if (!looksSo || isMetadata(handle)) return looksSo;
    const answer = await looks.hasGzip(files);
    return answer === 'perhaps' ? !handle.endsWith('.proof') : answer;
  };

  return {
    async create(handle) {
      const isOurs = !OF_THE_FORMAT.test(handle) && !isMetadata(handle);
      const as = isOurs ? 'plain' : await looks.added(files);
      const file = await files.create(handle);
      return as === 'gzip' ? new GzipWriter(file, files.gzipLevel, signal) : file;
    },
    async *read(handle) {
      const parts = files.read(handle)[Symbol.asyncIterator]();
      try {
        const head = await firstBytes(parts);
        const all = after(head, parts);
        const encoded = await isEncoded(handle, head);
        yield* encoded ? inflate(all, head.length, signal) : all;
      } catch (error) {
        const damage = damageOf(error);
        if (damage === undefined) throw error;
        const why = `${handle} in ${files.description} is gzip'd and damaged: ${damage}`;
        throw new StorageError('DAMAGED', handle, why, { cause: error });
      } finally {
        await parts.return?.();
      }
    },
  };
}

function isMetadata(handle: string): boolean {
  return handle.startsWith(`${METADATA}/`) || handle.startsWith(`${RETIRED}/`);
}

/** Enough bytes to recognize gzip. Fewer only when the file has no more. */
async function firstBytes(parts: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < 4) {
    const part = await parts.next();
    if (part.done) break;
    head = head.length === 0 ? part.value : Buffer.concat([head, part.value]);
  }
  return head;
}

async function* after(
  head: Uint8Array,
  parts: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head;
  for (let part = await parts.next(); !part.done; part = await parts.next()) yield part.value;
}
