import { createHash, randomUUID } from 'node:crypto';
import { StorageError } from '../storage-error.js';
import type { Call } from '../backend.js';
import type { ObjectUpload } from '../objects/object-store.js';
import type { S3Calls } from './s3-calls.js';
import { noStore, reasonOf } from './s3-errors.js';

/** S3 takes no smaller part, except for the last one. */
const PART_BYTES = 5 * 1024 * 1024;
/** S3 takes 10,000 parts. After each thousand their size doubles: all together hold 5 TiB. */
const PARTS_OF_A_SIZE = 1_000;
const FIRST_BUFFER_BYTES = 64 * 1024;
const PARTS_IN_FLIGHT = 1;
/**
 * Metadata that names the upload that made an object. When an answer was lost, it shows whether the request was done.
 */
const MARK = 'aptos-backup-upload';

export interface UploadOrder {
  bucket: string;
  key: string;
  handle: string;
  /** Sends a small object in parts, too. */
  inParts?: boolean;
}

interface Part {
  PartNumber: number;
  ETag: string | undefined;
  ChecksumCRC32: string | undefined;
}

/** What a store says of bytes that it took. */
type Word = Partial<Pick<Part, 'ETag' | 'ChecksumCRC32'>>;

/**
 * An object that is being written: one conditional PUT if it fits into a part, else a multipart upload. Memory holds
 * the part that is being filled and the one in flight. Bodies are buffers: the SDK sends the CRC32 of each, and the store
 * checks it.
 */
export class S3Upload implements ObjectUpload {
  private readonly mark = randomUUID();
  private readonly ids: { Bucket: string; Key: string };
  /** What was written and is not sent yet. */
  private buffer: Buffer = Buffer.alloc(0);
  private filled = 0;
  private readonly spare: Buffer[] = [];
  private uploadId: Promise<string> | undefined;
  private readonly parts: Part[] = [];
  private readonly inFlight = new Set<Promise<void>>();
  private failure: Error | undefined;
  private state: 'open' | 'completed' | 'ended' = 'open';
  /** Number of bytes that were written, and of those that the store says it checked. */
  private written = 0;
  private checked = 0;
  private readonly stop = new AbortController();
  private readonly call: Call;

  constructor(
    private readonly calls: S3Calls,
    private readonly order: UploadOrder,
    { signal, progress }: Call,
  ) {
    this.ids = { Bucket: order.bucket, Key: order.key };
    this.call = { signal: AbortSignal.any([signal, this.stop.signal]), progress };
  }

  get isChecked(): boolean {
    return this.checked === this.written;
  }

  async write(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    while (rest.length > 0) {
      this.requireGoingOn();
      const taken = rest.subarray(0, this.partBytes() - this.filled);
      this.keep(taken);
      this.written += taken.length;
      rest = rest.subarray(taken.length);
      if (this.filled === this.partBytes()) await this.sendPart();
    }
  }

  async complete({ ifAbsent }: { ifAbsent: boolean }): Promise<'created' | 'exists'> {
    this.requireGoingOn();
    const inParts = this.uploadId !== undefined || this.order.inParts === true;
    const condition = ifAbsent ? { IfNoneMatch: '*' } : {};
    const outcome = inParts ? await this.completeParts(condition) : await this.put(condition);
    if (outcome === 'created') this.state = 'completed';
    return outcome;
  }

  async abort(): Promise<void> {
    if (this.state !== 'open') return;
    this.state = 'ended';
    this.stop.abort(new Error('the upload was given up'));
    await Promise.allSettled(this.inFlight); // a part that arrives later would stay
    this.buffer = Buffer.alloc(0);
    this.spare.length = 0;
    const UploadId = await this.uploadId?.catch(() => undefined);
    if (UploadId === undefined) return;
    const { handle } = this.order;
    await this.calls
      .run(`end the upload of ${handle}`, handle, toTheEnd(this.call), (s3, options) =>
        s3.abortMultipartUpload({ ...this.ids, UploadId }, options),
      )
      .catch(() => undefined); // a later removal of leftovers finds it
  }

  private async put(condition: { IfNoneMatch?: string }): Promise<'created' | 'exists'> {
    const { handle } = this.order;
    const Body = this.buffer.subarray(0, this.filled);
    const Metadata = { [MARK]: this.mark };
    return this.conditionally(async () => {
      const answer = await this.calls.send(`publish ${handle}`, handle, this.call, (s3, options) =>
        s3.putObject(
          { ...this.ids, ...condition, Body, ContentLength: Body.length, Metadata },
          options,
        ),
      );
      if (answer.ETag === undefined) throw noStore(`write ${handle}`, handle);
      this.hear(Body, answer);
    });
  }

  private async completeParts(condition: { IfNoneMatch?: string }): Promise<'created' | 'exists'> {
    const { handle } = this.order;
    if (this.filled > 0) await this.sendPart();
    await Promise.all(this.inFlight);
    this.requireGoingOn();
    const UploadId = await this.uploadId!;
    const Parts = this.parts;
    return this.conditionally(async () => {
      const { ETag } = await this.calls.run(`publish ${handle}`, handle, this.call, (s3, options) =>
        s3.completeMultipartUpload(
          { ...this.ids, ...condition, UploadId, MultipartUpload: { Parts } },
          options,
        ),
      );
      if (ETag === undefined) throw noStore(`write ${handle}`, handle);
    });
  }

  /**
   * When the answer to a request was lost, its retry is refused. Then the mark on the object shows that we made it.
   */
  private async conditionally(publish: () => Promise<void>): Promise<'created' | 'exists'> {
    try {
      await publish();
      return 'created';
    } catch (error) {
      const reason = reasonOf(error);
      const mayBeDone = ['PreconditionFailed', 'ConditionalRequestConflict', 'NoSuchUpload'];
      if (!mayBeDone.includes(reason)) throw error;
      const found = await this.writerOf();
      if (found === this.mark) return 'created';
      if (reason !== 'NoSuchUpload' && found !== undefined) return 'exists';
      throw error;
    }
  }

  /** The mark of the stored object: '' when another program made it. Undefined when there is no object. */
  private async writerOf(): Promise<string | undefined> {
    const { handle } = this.order;
    try {
      const { Metadata } = await this.calls.run(
        `look at ${handle}`,
        handle,
        this.call,
        (s3, options) => s3.headObject(this.ids, options),
      );
      return Metadata?.[MARK] ?? '';
    } catch (error) {
      if (error instanceof StorageError && error.code === 'NOT_FOUND') return undefined;
      throw error;
    }
  }

  private partBytes(): number {
    return PART_BYTES * 2 ** Math.floor(this.parts.length / PARTS_OF_A_SIZE);
  }

  /** Most files are small, so a buffer grows with its file. */
  private keep(bytes: Uint8Array): void {
    const needed = this.filled + bytes.length;
    if (needed > this.buffer.length) {
      const doubled = Math.max(needed, 2 * this.buffer.length, FIRST_BUFFER_BYTES);
      const length = this.uploadId ? this.partBytes() : Math.min(doubled, this.partBytes());
      const larger = Buffer.allocUnsafeSlow(length);
      this.buffer.copy(larger, 0, 0, this.filled);
      this.buffer = larger;
    }
    this.buffer.set(bytes, this.filled);
    this.filled = needed;
  }

  private async sendPart(): Promise<void> {
    this.uploadId ??= this.begin();
    const UploadId = await this.uploadId;
    while (this.inFlight.size >= PARTS_IN_FLIGHT) await Promise.race(this.inFlight);
    this.requireGoingOn();
    const body = this.buffer;
    const part: Part = {
      PartNumber: this.parts.length + 1,
      ETag: undefined,
      ChecksumCRC32: undefined,
    };
    this.parts.push(part);
    const sending = this.send(part, UploadId, body.subarray(0, this.filled))
      .catch((error: Error) => {
        this.failure ??= error;
      })
      .finally(() => {
        this.inFlight.delete(sending);
        this.spare.push(body);
      });
    this.inFlight.add(sending);
    const spare = this.spare.pop();
    this.buffer = spare?.length === this.partBytes() ? spare : Buffer.alloc(0);
    this.filled = 0;
  }

  private async send(part: Part, UploadId: string, Body: Buffer): Promise<void> {
    const { handle } = this.order;
    const answer = await this.calls.send(`write ${handle}`, handle, this.call, (s3, options) =>
      s3.uploadPart({ ...this.ids, UploadId, PartNumber: part.PartNumber, Body }, options),
    );
    if (answer.ETag === undefined) throw noStore(`write ${handle}`, handle);
    part.ETag = answer.ETag;
    part.ChecksumCRC32 = answer.ChecksumCRC32;
    this.hear(Body, answer);
  }

  /** A store that checks the CRC32 gives it back. Of many other stores, the ETag is the MD5 of what they got. */
  private hear(body: Buffer, { ETag = '', ChecksumCRC32 }: Word): void {
    const isChecked =
      ChecksumCRC32 !== undefined ||
      ETag.replace(/["\s]/g, '') === createHash('md5').update(body).digest('hex');
    if (isChecked) this.checked += body.length;
  }

  /** A cancel does not stop this request: nobody could end an upload whose id is unknown. */
  private begin(): Promise<string> {
    const { handle } = this.order;
    const Metadata = { [MARK]: this.mark };
    const begun = this.calls
      .run(`begin ${handle}`, handle, toTheEnd(this.call), (s3, options) =>
        s3.createMultipartUpload({ ...this.ids, Metadata, ChecksumAlgorithm: 'CRC32' }, options),
      )
      .then(({ UploadId }) => {
        if (UploadId === undefined) throw noStore(`write ${handle}`, handle);
        return UploadId;
      });
    begun.catch(() => undefined); // whoever awaits it gets the error
    return begun;
  }

  private requireGoingOn(): void {
    this.call.signal.throwIfAborted();
    if (this.failure) throw this.failure;
    if (this.state !== 'open') throw new Error(`${this.order.handle} is no longer being written`);
  }
}

/** A call that no cancel stops, so that nothing is left behind. */
function toTheEnd({ progress }: Call): Call {
  return { signal: new AbortController().signal, progress };
}
