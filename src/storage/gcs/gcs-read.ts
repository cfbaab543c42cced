import type { IncomingHttpHeaders } from 'node:http';
import type { Call } from '../backend.js';
import { type Content, readResumed } from '../objects/resumed-read.js';
import { StorageError } from '../storage-error.js';
import type { GcsClient, GcsRequest } from './gcs-client.js';
import { errorOfConnection } from './gcs-errors.js';

/** One answer about one generation of an object. */
interface GcsContent extends Content {
  generation: string;
}

/**
 * The content of an object as it is stored, never unpacked. All of it is of one generation of the object.
 * @throws StorageError NOT_FOUND
 */
export function readContent(
  client: GcsClient,
  request: GcsRequest,
  call: Call,
): AsyncGenerator<Uint8Array> {
  const asked = client.asked(request);
  return readResumed<GcsContent>(
    {
      asked,
      patience: client.patience,
      open: (reached, before) => open(client, request, before, reached, call),
      errorOf: (thrown) => errorOfConnection(asked, thrown),
    },
    call,
  );
}

/** Asks for what was not read yet; `before` is the answer that broke off. */
async function open(
  client: GcsClient,
  request: GcsRequest,
  before: GcsContent | undefined,
  reached: number,
  call: Call,
): Promise<GcsContent> {
  const { key } = request;
  const query = { alt: 'media', generation: before?.generation };
  const range: Record<string, string> = before ? { Range: `bytes=${reached}-` } : {};
  // Nothing on the way may keep it; and GCS unpacks for those who do not take gzip what has a Content-Encoding.
  const headers = { 'Accept-Encoding': 'gzip', 'Cache-Control': 'no-store', ...range };
  const wanted = { ...request, query, headers, expected: [404] };
  const { status, headers: told, content } = await client.open(wanted, call);
  const destroy = () => void content.destroy();
  const bytes = before?.bytes ?? lengthOf(told);
  const generation = before?.generation ?? told['x-goog-generation'];
  const isWhole = bytes !== undefined && typeof generation === 'string';
  if (isWhole && status === (before ? 206 : 200)) {
    const parts = content[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    return { next: () => parts.next(), destroy, bytes, generation };
  }
  destroy();
  if (status !== 404) {
    const why = `${client.description} gave no whole answer when asked to ${request.what}; is the endpoint one of GCS?`;
    throw new StorageError('STORAGE_FAILED', key, why);
  }
  if (before === undefined) {
    throw new StorageError('NOT_FOUND', key, `${key} is not there in ${client.description}`);
  }
  const why = `${key} in ${client.description} was replaced or removed while it was being read; it is read again with the next attempt`;
  throw new StorageError('STORAGE_FAILED', key, why);
}

function lengthOf(headers: IncomingHttpHeaders): number | undefined {
  const text = headers['x-goog-stored-content-length'] ?? headers['content-length'];
  return typeof text === 'string' && /^\d+$/.test(text) ? Number(text) : undefined;
}
