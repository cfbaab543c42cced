import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import { StorageError, isStorageError } from '../storage-error.js';
import { remark } from '../remarks.js';
import type { Call } from '../backend.js';
import type {
  ObjectListing,
  ObjectStore,
  ObjectUpload,
  PendingUpload,
  StoredObject,
} from '../objects/object-store.js';
import { S3Calls } from './s3-calls.js';
import { type S3Access, dateOfAnswer } from './s3-client.js';
import { type S3Place, describePlace, identifyPlace, keyOf } from './s3-place.js';
import { readObject } from './s3-read.js';
import { S3Upload } from './s3-upload.js';

/** A bucket of Amazon S3, or of a server that speaks its protocol. */
export class S3Store implements ObjectStore {
  readonly description: string;
  readonly identity: string;
  private readonly calls: S3Calls;

  constructor(
    private readonly place: S3Place,
    access: S3Access,
  ) {
    this.description = describePlace(place);
    this.identity = identifyPlace(place);
    this.calls = new S3Calls(access, this.description);
  }

  async requireBucket(call: Call): Promise<void> {
    await this.listFirst('', call);
  }

  async now(call: Call): Promise<number> {
    const time = dateOfAnswer(await this.listFirst('', call));
    if (time !== undefined) return time;
    const why = `${this.description} does not tell the time; is there a proxy before it that removes the header "Date"?`;
    throw new StorageError('STORAGE_UNFIT', '', why);
  }

  async head(key: string, call: Call): Promise<StoredObject | undefined> {
    try {
      const found = await this.calls.run(`look at ${key}`, key, call, (s3, options) =>
        s3.headObject({ Bucket: this.place.bucket, Key: keyOf(this.place, key) }, options),
      );
      return this.stored(key, found.ContentLength, found.ETag, found.LastModified);
    } catch (error) {
      if (isStorageError(error, 'NOT_FOUND')) return undefined;
      // The answer to a HEAD says only that it failed. The answer to a GET says why.
      if (isStorageError(error, 'DENIED', 'PATH_INVALID')) await this.listFirst(key, call);
      throw error;
    }
  }

  get(key: string, call: Call): AsyncIterable<Uint8Array> {
    const { bucket } = this.place;
    const { description } = this;
    const order = { bucket, key: keyOf(this.place, key), handle: key, description };
    return readObject(this.calls, order, call);
  }

  async *list(
    prefix: string,
    { delimited }: { delimited: boolean },
    call: Call,
  ): AsyncGenerator<ObjectListing> {
    let token: string | undefined;
    do {
      const page = await this.calls.run(whatToList(prefix), prefix, call, (s3, options) =>
        s3.listObjectsV2(
          {
            Bucket: this.place.bucket,
            Prefix: keyOf(this.place, prefix),
            EncodingType: 'url',
            ...(delimited ? { Delimiter: '/' } : {}),
            ...(token === undefined ? {} : { ContinuationToken: token }),
          },
          options,
        ),
      );
      const next = page.IsTruncated ? page.NextContinuationToken : undefined;
      if (page.Name === undefined || (page.IsTruncated && (!next || next === token))) {
        throw this.noListing(prefix);
      }
      yield this.listingOf(page);
      token = next;
    } while (token !== undefined);
  }

  upload(key: string, call: Call): Promise<ObjectUpload> {
    const { bucket } = this.place;
    const order = { bucket, key: keyOf(this.place, key), handle: key };
    return Promise.resolve(new S3Upload(this.calls, order, call));
  }

  async remove(key: string, call: Call): Promise<void> {
    await this.calls.run(`remove ${key}`, key, call, (s3, options) =>
      s3.deleteObject({ Bucket: this.place.bucket, Key: keyOf(this.place, key) }, options),
    );
  }

  async pending(prefix: string, call: Call): Promise<PendingUpload[]> {
    try {
      return await this.listUploads(prefix, call);
    } catch (error) {
      const cannot = isStorageError(error, 'DENIED', 'STORAGE_UNFIT');
      if (!cannot) throw error;
      remark(
        `${this.description} does not list unfinished uploads, so those of dead writers are not removed (${error.message}); give the bucket a lifecycle rule that ends them`,
      );
      return [];
    }
  }

  async abortPending({ key, id }: PendingUpload, call: Call): Promise<void> {
    try {
      await this.calls.run(`end an upload of ${key}`, key, call, (s3, options) =>
        s3.abortMultipartUpload(
          { Bucket: this.place.bucket, Key: keyOf(this.place, key), UploadId: id },
          options,
        ),
      );
    } catch (error) {
      const isGone = isStorageError(error, 'FOLDER_GONE', 'NOT_FOUND');
      if (!isGone) throw error;
    }
  }

  /** Some servers honour the condition of a PUT, but not that of a multipart upload. */
  async probe(key: string, call: Call): Promise<string | undefined> {
    const { bucket } = this.place;
    const order = { bucket, key: keyOf(this.place, key), handle: key };
    const first = new S3Upload(this.calls, order, call);
    const second = new S3Upload(this.calls, { ...order, inParts: true }, call);
    try {
      await first.write(Buffer.from('first'));
      await first.complete({ ifAbsent: true });
      await second.write(Buffer.from('second'));
      if ((await second.complete({ ifAbsent: true })) === 'exists') return undefined;
      return 'overwrites an object with a multipart upload although it was asked to create it only where there is none (a conditional create), so two writers would damage each other';
    } finally {
      await second.abort();
      await this.remove(key, call).catch(() => undefined);
    }
  }

  private async listUploads(prefix: string, call: Call): Promise<PendingUpload[]> {
    const found: PendingUpload[] = [];
    let from: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
    while (from) {
      const markers: { KeyMarker?: string; UploadIdMarker?: string } = from;
      const page = await this.calls.run(whatToList(prefix), prefix, call, (s3, options) =>
        s3.listMultipartUploads(
          {
            Bucket: this.place.bucket,
            Prefix: keyOf(this.place, prefix),
            EncodingType: 'url',
            ...markers,
          },
          options,
        ),
      );
      for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
        if (Key === undefined || UploadId === undefined) throw this.noListing(prefix);
        found.push({
          key: this.handleOf(decoded(Key, page)),
          id: UploadId,
          begun: Initiated?.getTime() ?? Infinity,
        });
      }
      from = undefined;
      if (!page.IsTruncated) break;
      const { NextKeyMarker = '', NextUploadIdMarker = '' } = page;
      const [KeyMarker, UploadIdMarker] = [decoded(NextKeyMarker, page), NextUploadIdMarker];
      if (KeyMarker === markers.KeyMarker && UploadIdMarker === markers.UploadIdMarker) {
        throw this.noListing(prefix);
      }
      from = { KeyMarker, UploadIdMarker };
    }
    return found;
  }

  /** Lists one object. Fails when there is no bucket, or when we may not list it. */
  private listFirst(prefix: string, call: Call): Promise<ListObjectsV2CommandOutput> {
    return this.calls.run(whatToList(prefix), prefix, call, (s3, options) =>
      s3.listObjectsV2(
        { Bucket: this.place.bucket, Prefix: keyOf(this.place, prefix), MaxKeys: 1 },
        options,
      ),
    );
  }

  private listingOf(page: ListObjectsV2CommandOutput): ObjectListing {
    const { Contents = [], CommonPrefixes = [] } = page;
    const handleOf = (key = '') => this.handleOf(decoded(key, page));
    return {
      objects: Contents.map(({ Key, Size, ETag, LastModified }) =>
        this.stored(handleOf(Key), Size, ETag, LastModified),
      ),
      folders: CommonPrefixes.map(({ Prefix }) => handleOf(Prefix).slice(0, -1)),
    };
  }

  private stored(
    key: string,
    size: number | undefined,
    etag: string | undefined,
    modified: Date | undefined,
  ): StoredObject {
    if (size === undefined || etag === undefined || modified === undefined) {
      throw this.noListing(key);
    }
    const stamp = etag.replace(/["\s]/g, '');
    return { key, bytes: BigInt(size), stamp, modified: modified.getTime() };
  }

  /** A key without the prefix of the storage. */
  private handleOf(key: string): string {
    const { prefix } = this.place;
    return key.slice(prefix === '' ? 0 : prefix.length + 1);
  }

  private noListing(prefix: string): StorageError {
    const why = `cannot ${whatToList(prefix)} in ${this.description}: the answer is no complete listing; check the endpoint and any proxy before it`;
    return new StorageError('STORAGE_FAILED', prefix, why);
  }
}

function whatToList(prefix: string): string {
  return prefix === '' ? 'list what is' : `list ${prefix}`;
}

/** Decodes a key of a listing. Keys are URL-encoded where the answer says so, because XML cannot hold every key. */
function decoded(text: string, { EncodingType }: { EncodingType?: string | undefined }): string {
  return EncodingType === 'url' ? decodeURIComponent(text.replaceAll('+', ' ')) : text;
}
