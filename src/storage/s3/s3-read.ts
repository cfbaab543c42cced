import type { Readable } from 'node:stream';
import { StorageError } from '../storage-error.js';
import type { Call } from '../backend.js';
import { pauseAfter } from '../objects/patience.js';
import type { S3Calls } from './s3-calls.js';
import { noStore, passingOf, s3Error } from './s3-errors.js';

/** How often in a row a connection may break without one new byte. */
const MOST_CUTS = 5;

export interface ReadOrder {
  bucket: string;
  key: string;
  handle: string;
  /** For messages. */
  description: string;
}

/**
 * The content of an object in parts. After a broken connection, the same object is read on from where it broke.
 * @throws StorageError NOT_FOUND; DAMAGED when the content does not have the checksum that the store has for it
 */
export async function* readObject(
  calls: S3Calls,
  { bucket, key, handle, description }: ReadOrder,
  call: Call,
): AsyncGenerator<Uint8Array> {
  const what = `read ${handle}`;
  let offset = 0;
  let etag: string | undefined;
  let length = 0;
  for (let cuts = 0; ;) {
    const from = etag === undefined ? {} : { IfMatch: etag, Range: `bytes=${offset}-` };
    const answer = await calls.run(what, handle, call, (s3, options) =>
      s3.getObject({ Bucket: bucket, Key: key, ...from }, options),
    );
    // A page of a proxy has no tag, and a proxy may answer with all of it where only the rest was asked for.
    const isRest = offset === 0 || answer.ContentRange?.startsWith(`bytes ${offset}-`) === true;
    if ((etag ?? answer.ETag) === undefined || !isRest) {
      (answer.Body as Readable | undefined)?.destroy();
      throw noStore(`${what} in ${description}`, handle);
    }
    if (etag === undefined) length = answer.ContentLength ?? -1;
    etag ??= answer.ETag;
    try {
      for await (const part of bodyOf(answer.Body, call.signal)) {
        offset += part.length;
        cuts = 0;
        call.progress();
        yield part;
      }
      if (offset === length || length < 0) return;
      throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
    } catch (error) {
      call.signal.throwIfAborted();
      const said = `cannot ${what} in ${description}`;
      if (/^checksum mismatch/i.test((error as Error).message)) {
        const why = `${handle} in ${description} does not have the checksum that the store has for it`;
        throw new StorageError('DAMAGED', handle, why, { cause: error });
      }
      cuts += 1;
      if (passingOf(error) === 'no' || cuts > MOST_CUTS) throw s3Error(error, handle, said);
      await pauseAfter(cuts, call);
    }
  }
}

/** The parts of an answer; a wait for the next one ends with `signal`. */
async function* bodyOf(body: unknown, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const stream = body as Readable;
  const onAbort = () => stream.destroy(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for await (const part of stream) yield part as Uint8Array;
  } finally {
    signal.removeEventListener('abort', onAbort);
    stream.destroy();
  }
}
