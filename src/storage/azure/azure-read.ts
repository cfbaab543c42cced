import type { Readable } from 'node:stream';
import type { Call } from '../backend.js';
import { type Content, readResumed } from '../objects/resumed-read.js';
import { StorageError } from '../storage-error.js';
import { type AzureClient, unlessCode } from './azure-client.js';
import { azureError, notAzure } from './azure-errors.js';

/** One answer about one version of a blob. */
interface BlobContent extends Content {
  etag: string | undefined;
}

/**
 * The content of a blob as it is stored, never unpacked. All of it is of one version of the blob.
 * @throws StorageError NOT_FOUND
 */
export function readBlob(
  client: AzureClient,
  { name, key }: { name: string; key: string },
  call: Call,
): AsyncGenerator<Uint8Array> {
  const asked = client.asked(`read ${key}`, key);
  return readResumed<BlobContent>(
    {
      asked,
      patience: client.patience,
      open: (reached, before) => open(client, { name, key, reached }, before, call),
      errorOf: (thrown) => azureError(asked, thrown),
    },
    call,
  );
}

/** Asks for what was not read yet; `before` is the answer that broke off. One attempt. */
async function open(
  client: AzureClient,
  { name, key, reached }: { name: string; key: string; reached: number },
  before: BlobContent | undefined,
  call: Call,
): Promise<BlobContent> {
  const ifMatch = before?.etag;
  const answer = await client.askOnce(
    {
      what: `read ${key}`,
      key,
      run: (container, { abortSignal }) =>
        unlessCode(
          container.getBlobClient(name).download(reached, undefined, {
            abortSignal,
            maxRetryRequests: 0,
            ...(ifMatch !== undefined && { conditions: { ifMatch } }),
          }),
          ...(['BlobNotFound', 'ResourceNotFound', 'ConditionNotMet', 'InvalidRange'] as const),
        ),
    },
    call,
  );
  if (typeof answer !== 'string' && answer.readableStreamBody) {
    const stream = answer.readableStreamBody as Readable;
    stream.on('error', () => undefined); // whoever reads it gets the error
    // A proxy may answer with all of it where only the rest was asked for.
    if (reached > 0 && !answer.contentRange?.startsWith(`bytes ${reached}-`)) {
      stream.destroy();
      throw notAzure(client.asked(`read ${key}`, key));
    }
    const parts = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    const bytes = before?.bytes ?? answer.contentLength ?? 0;
    return {
      next: () => parts.next(),
      destroy: () => void stream.destroy(),
      bytes,
      etag: before?.etag ?? answer.etag,
    };
  }
  if (before !== undefined) {
    const why = `${key} in ${client.description} was replaced or removed while it was being read; it is read again with the next attempt`;
    throw new StorageError('STORAGE_FAILED', key, why);
  }
  throw new StorageError('NOT_FOUND', key, `${key} is not there in ${client.description}`);
}
