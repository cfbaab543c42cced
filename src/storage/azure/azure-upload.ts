import { createHash, type Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { BlobGetPropertiesResponse, ContainerClient } from '@azure/storage-blob';
import type { Call } from '../backend.js';
import type { ObjectUpload } from '../objects/object-store.js';
import { StorageError } from '../storage-error.js';
import { type BlockWriter, blockBytes, blockId } from './azure-blocks.js';
import { type Attempt, type AzureClient, unlessCode } from './azure-client.js';
import { notAzure } from './azure-errors.js';
import { ENDED, dropBlocks, removeEnded } from './azure-pending.js';

/** Beside the one that is being filled. */
const BLOCKS_IN_FLIGHT = 2;
const FIRST_BUFFER_BYTES = 64 * 1024;
const SLICE_BYTES = 64 * 1024;
const DROP_MS = 20_000;
/** How often a blob is created whose name is taken for a moment. */
const MOST_ATTEMPTS = 5;

/** The codes of a condition that failed: there is a blob already, or no longer the one that is to be replaced. */
const EXISTS = ['BlobAlreadyExists', 'ConditionNotMet', 'BlobNotFound'] as const;
const GONE = 'InvalidBlockList';

/**
 * A blob that is being written. If it fits into one block, it is one request. A larger one is staged in blocks, and
 * appears when they are committed. Memory holds three blocks: two that are being sent and one that is being filled.
 */
export class AzureUpload implements ObjectUpload {
  /** Azure takes nothing whose MD5 is another one. */
  readonly isChecked = true;
  private buffer: Buffer = Buffer.alloc(0);
  private filled = 0;
  private md5: Hash = createHash('md5');
  private readonly spare: Buffer[] = [];
  private readonly staged: string[] = [];
  private readonly inFlight = new Set<Promise<void>>();
  private failure: Error | undefined;
  private isCreated = false;
  private readonly call: Call;
  private readonly stop = new AbortController();

  constructor(
    private readonly client: AzureClient,
    private readonly blob: { name: string; key: string },
    private readonly writer: BlockWriter,
    { signal, progress }: Call,
  ) {
    this.call = { signal: AbortSignal.any([signal, this.stop.signal]), progress };
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.requireAlive();
    for (let at = 0; at < bytes.length;) {
      const most = this.blockSize();
      if (this.filled === most) {
        await this.stage();
        continue;
      }
      const part = bytes.subarray(at, at + most - this.filled);
      this.makeRoom(part.length, most);
      this.buffer.set(part, this.filled);
      this.md5.update(part);
      this.filled += part.length;
      at += part.length;
    }
  }

  async complete({ ifAbsent }: { ifAbsent: boolean }): Promise<'created' | 'exists'> {
    this.requireAlive();
    if (this.staged.length > 0 && this.filled > 0) await this.stage();
    await Promise.all(this.inFlight);
    this.requireAlive();
    const md5 = this.staged.length > 0 ? undefined : this.md5.copy().digest();
    let over: string | undefined;
    for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
      const answer = await this.create(ifAbsent, md5, over);
      const outcome = answer === 'created' ? answer : await this.whatIsThere(answer, ifAbsent);
      if (typeof outcome === 'object') {
        over = outcome.over;
        continue;
      }
      if (outcome === 'created') this.forget();
      this.isCreated ||= outcome === 'created';
      return outcome;
    }
    const { key } = this.blob;
    const why = `${this.client.description} says that ${key} exists, but does not show it; it is written again with the next attempt`;
    throw new StorageError('STORAGE_FAILED', key, why);
  }

  async abort(): Promise<void> {
    this.stop.abort(new Error(`the upload of ${this.blob.key} was given up`));
    this.forget();
    await Promise.allSettled(this.inFlight);
    if (this.isCreated || this.staged.length === 0) return;
    const call = { signal: AbortSignal.timeout(DROP_MS), progress: this.call.progress };
    // Azure forgets what is left by itself.
    await dropBlocks(this.client, this.blob, this.writer, call).catch(() => undefined);
  }

  private requireAlive(): void {
    this.call.signal.throwIfAborted();
    if (this.failure !== undefined) throw this.failure;
  }

  private blockSize(): number {
    const bytes = blockBytes(this.staged.length);
    if (bytes !== undefined) return bytes;
    const { key } = this.blob;
    const why = `${key} is larger than a blob of ${this.client.description} may be; use smaller chunks`;
    throw new StorageError('TOO_LARGE', key, why);
  }

  /** Most files are small, so they get small buffers. */
  private makeRoom(bytes: number, most: number): void {
    const needed = this.filled + bytes;
    if (needed <= this.buffer.length) return;
    const spare = this.spare.findIndex(({ length }) => length >= needed);
    const larger =
      spare >= 0
        ? this.spare.splice(spare, 1)[0]!
        : Buffer.allocUnsafe(Math.min(most, Math.max(FIRST_BUFFER_BYTES, 2 * needed)));
    larger.set(this.buffer.subarray(0, this.filled));
    this.buffer = larger;
  }

  /** Sends the buffer as a block, as soon as fewer than two blocks are in flight. */
  private async stage(): Promise<void> {
    while (this.inFlight.size >= BLOCKS_IN_FLIGHT) await Promise.race(this.inFlight);
    this.requireAlive();
    const id = blockId(this.writer, this.staged.length);
    const { buffer } = this;
    const content = buffer.subarray(0, this.filled);
    const transactionalContentMD5 = this.md5.digest();
    this.staged.push(id);
    this.buffer = Buffer.alloc(0);
    this.filled = 0;
    this.md5 = createHash('md5');
    const { name, key } = this.blob;
    const run = (container: ContainerClient, attempt: Attempt) =>
      container.getBlockBlobClient(name).stageBlock(id, () => slices(content), content.length, {
        ...attempt,
        transactionalContentMD5,
      });
    const sending: Promise<void> = this.client
      .ask({ what: `write ${key}`, key, run }, this.call)
      .then(
        () => void this.spare.push(buffer),
        (error: Error) => void (this.failure ??= error), // the next step throws it
      )
      .then(() => void this.inFlight.delete(sending));
    this.inFlight.add(sending);
  }

  /**
   * Makes the blob of all that was written. Otherwise returns why there is none. `over`: the etag of an empty blob that
   * it replaces.
   */
  private async create(ifAbsent: boolean, md5: Buffer | undefined, over: string | undefined) {
    const { name, key } = this.blob;
    const content = this.buffer.subarray(0, this.filled);
    const ifThere = over === undefined ? { ifNoneMatch: '*' } : { ifMatch: over };
    const run = (container: ContainerClient, attempt: Attempt) => {
      const blob = container.getBlockBlobClient(name);
      const options = {
        ...attempt,
        metadata: { aptosbackupwriter: this.writer.id },
        ...(ifAbsent && { conditions: ifThere }),
      };
      const request = md5
        ? blob.upload(() => slices(content), content.length, {
            ...options,
            blobHTTPHeaders: { blobContentMD5: md5 },
          })
        : blob.commitBlockList(this.staged, options);
      return unlessCode<unknown, (typeof EXISTS)[number] | typeof GONE>(request, ...EXISTS, GONE);
    };
    const answer = await this.client.ask({ what: `write ${key}`, key, run }, this.call);
    if (answer === GONE) return 'gone';
    return typeof answer === 'string' ? 'exists' : 'created';
  }

  /** Finds out what happened to a name that is taken, or whose staged blocks are gone. `over`: create it again. */
  private async whatIsThere(
    answer: 'exists' | 'gone',
    ifAbsent: boolean,
  ): Promise<'created' | 'exists' | { over: string | undefined }> {
    const { key } = this.blob;
    const there = await propertiesOf(this.client, this.blob, this.call);
    if (there?.metadata?.['aptosbackupwriter'] === this.writer.id) return 'created'; // its answer was lost
    if (there && isEnded(there)) {
      if (answer === 'exists') return { over: there.etag }; // we may have no right to remove it
      await removeEnded(this.client, this.blob, there.etag, this.call);
    } else if (there && ifAbsent) {
      return 'exists';
    } else if (there) {
      const why = `${key} in ${this.client.description} was completed by another writer, which removed what we had sent; it is written again with the next attempt`;
      throw new StorageError('STORAGE_FAILED', key, why);
    }
    if (answer === 'exists') return { over: undefined }; // a blob was there for a moment
    const why = `the upload of ${key} into ${this.client.description} was ended by somebody; it is written again with the next attempt`;
    throw new StorageError('FOLDER_GONE', key, why);
  }

  private forget(): void {
    this.buffer = Buffer.alloc(0);
    this.filled = 0;
    this.spare.length = 0;
  }
}

/** Undefined when there is no such blob. */
export async function propertiesOf(
  client: AzureClient,
  { name, key }: { name: string; key: string },
  call: Call,
): Promise<BlobGetPropertiesResponse | undefined> {
  const what = `look at ${key}`;
  const answer = await client.ask(
    {
      what,
      key,
      async run(container, { abortSignal }) {
        const found = await unlessCode(
          container.getBlobClient(name).getProperties({ abortSignal }),
          ...(['BlobNotFound', 'ResourceNotFound'] as const),
        );
        const isBlob = typeof found === 'string' || found.etag !== undefined;
        if (!isBlob) throw notAzure(client.asked(what, key)); // a page of a proxy is no blob
        return found;
      },
    },
    call,
  );
  return typeof answer === 'string' ? undefined : answer;
}

/** The SDK reports progress for each slice. On a slow line, one whole block would look like silence. */
function slices(content: Buffer): Readable {
  const each = function* () {
    for (let at = 0; at < content.length; at += SLICE_BYTES) {
      yield content.subarray(at, at + SLICE_BYTES);
    }
  };
  return Readable.from(each(), { objectMode: false });
}

function isEnded({ metadata }: BlobGetPropertiesResponse): boolean {
  return Object.keys(ENDED).every((name) => metadata?.[name] !== undefined);
}
