import type { ContainerListBlobHierarchySegmentResponse } from '@azure/storage-blob';
import type { Call } from '../backend.js';
import { type Patience, usualPatience } from '../objects/patience.js';
import type {
  ObjectListing,
  ObjectStore,
  ObjectUpload,
  PendingUpload,
  StoredObject,
} from '../objects/object-store.js';
import { StorageError } from '../storage-error.js';
import { AzureClient, unlessCode } from './azure-client.js';
import { newWriter } from './azure-blocks.js';
import { notAzure } from './azure-errors.js';
import { dropBlocks, stagingWriters } from './azure-pending.js';
import { type AzurePlace, identifyPlace } from './azure-place.js';
import { readBlob } from './azure-read.js';
import { AzureUpload, propertiesOf } from './azure-upload.js';

export interface AzureStoreOptions {
  patience?: Patience;
  /** How many blobs a page of a listing has. Azure gives no more than 5,000. */
  pageSize?: number;
}

/** A container of Azure Blob Storage. */
export class AzureStore implements ObjectStore {
  readonly description: string;
  readonly identity: string;
  private readonly client: AzureClient;
  private readonly prefix: string;
  private readonly pageSize: number;
  /** How far the store's clock is ahead of ours, in milliseconds. */
  private ahead: number | undefined;

  constructor(
    place: AzurePlace,
    { patience = usualPatience(), pageSize = 5000 }: AzureStoreOptions = {},
  ) {
    this.client = new AzureClient(place, patience);
    this.description = this.client.description;
    this.identity = identifyPlace(place);
    this.prefix = place.prefix && `${place.prefix}/`;
    this.pageSize = pageSize;
  }

  async requireBucket(call: Call): Promise<void> {
    await this.now(call);
  }

  /** Reads the time from a listing: a reader of a container always has the right to list it. */
  async now(call: Call): Promise<number> {
    const { date } = await this.client.ask(
      {
        what: 'list its blobs',
        key: '',
        run: async (container, { abortSignal }) => {
          const pages = container.listBlobsFlat({ abortSignal, prefix: this.prefix });
          return first(pages.byPage({ maxPageSize: 1 }));
        },
      },
      call,
    );
    if (!date) {
      const why = `${this.description} does not tell the time; is there a proxy before it that removes the header "Date"?`;
      throw new StorageError('STORAGE_FAILED', '', why);
    }
    this.ahead = date.getTime() - Date.now();
    return date.getTime();
  }

  async head(key: string, call: Call): Promise<StoredObject | undefined> {
    const found = await propertiesOf(this.client, this.blob(key), call);
    return found && stored(key, found);
  }

  get(key: string, call: Call): AsyncIterable<Uint8Array> {
    return readBlob(this.client, this.blob(key), call);
  }

  async *list(
    prefix: string,
    { delimited }: { delimited: boolean },
    call: Call,
  ): AsyncGenerator<ObjectListing> {
    for await (const { blobItems, blobPrefixes } of this.pages(prefix, { delimited }, call)) {
      yield {
        objects: blobItems.map(({ name, properties }) => stored(this.keyOf(name), properties)),
        folders: (blobPrefixes ?? []).map(({ name }) => this.keyOf(name).replace(/\/$/, '')),
      };
    }
  }

  async upload(key: string, call: Call): Promise<ObjectUpload> {
    if (this.ahead === undefined) await this.now(call);
    const writer = newWriter(Date.now() + (this.ahead ?? 0));
    return new AzureUpload(this.client, this.blob(key), writer, call);
  }

  async remove(key: string, call: Call): Promise<void> {
    const { name } = this.blob(key);
    await this.client.ask(
      {
        what: `remove ${key}`,
        key,
        run: (container, { abortSignal }) =>
          unlessCode(
            container.getBlobClient(name).delete({ abortSignal, deleteSnapshots: 'include' }),
            'BlobNotFound',
          ),
      },
      call,
    );
  }

  /**
   * Azure lists a name that has only staged blocks as an empty blob. It does not list staged blocks beside a
   * committed blob.
   */
  async pending(prefix: string, call: Call): Promise<PendingUpload[]> {
    const found: PendingUpload[] = [];
    const options = { delimited: false, uncommitted: true };
    for await (const { blobItems } of this.pages(prefix, options, call)) {
      const empty = blobItems.filter(({ properties }) => !properties.contentLength);
      for (const { name } of empty) {
        const key = this.keyOf(name);
        const writers = await stagingWriters(this.client, this.blob(key), call);
        // Blocks of other programs have no time, so they count as new. Azure forgets them after a week.
        const now = Date.now() + (this.ahead ?? 0);
        found.push(...writers.map(({ id, begun = now }) => ({ key, id, begun })));
      }
    }
    return found;
  }

  async abortPending({ key, id, begun }: PendingUpload, call: Call): Promise<void> {
    await dropBlocks(this.client, this.blob(key), { id, begun }, call);
  }

  private async *pages(
    prefix: string,
    { delimited, uncommitted = false }: { delimited: boolean; uncommitted?: boolean },
    call: Call,
  ): AsyncGenerator<Segment> {
    const what = prefix === '' ? 'list its blobs' : `list ${prefix}`;
    const seen = new Set<string>();
    let continuationToken: string | undefined;
    for (;;) {
      const page = await this.client.ask(
        {
          what,
          key: prefix,
          run: async (container, { abortSignal }) => {
            const options = {
              abortSignal,
              prefix: this.prefix + prefix,
              includeUncommitedBlobs: uncommitted,
            };
            const settings = {
              maxPageSize: this.pageSize,
              ...(continuationToken !== undefined && { continuationToken }),
            };
            return delimited
              ? first<Page>(container.listBlobsByHierarchy('/', options).byPage(settings))
              : first<Page>(container.listBlobsFlat(options).byPage(settings));
          },
        },
        call,
      );
      yield page.segment;
      continuationToken = page.continuationToken || undefined;
      if (continuationToken === undefined) return;
      // The same page again and again would have no end.
      if (seen.has(continuationToken)) throw notAzure(this.client.asked(what, prefix)).told;
      seen.add(continuationToken);
    }
  }

  private blob(key: string): { name: string; key: string } {
    return { name: this.prefix + key, key };
  }

  private keyOf(name: string): string {
    return name.slice(this.prefix.length);
  }
}

type Segment = Pick<
  ContainerListBlobHierarchySegmentResponse['segment'],
  'blobItems' | 'blobPrefixes'
>;
interface Page {
  segment: Segment;
  continuationToken?: string;
}

/** The first page. A listing always has one, which may be empty. */
async function first<T>(pages: AsyncIterable<T>): Promise<T> {
  for await (const page of pages) return page;
  throw new Error('a listing had no page');
}

function stored(
  key: string,
  {
    contentLength,
    etag,
    lastModified,
  }: { contentLength?: number; etag?: string; lastModified?: Date },
): StoredObject {
  return {
    key,
    bytes: BigInt(contentLength ?? 0),
    stamp: (etag ?? '').replaceAll('"', ''), // a listing has it without quotes
    modified: lastModified?.getTime() ?? 0,
  };
}
