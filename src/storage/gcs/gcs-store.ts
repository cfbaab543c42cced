import type { Call } from '../backend.js';
import type {
  ObjectListing,
  ObjectStore,
  ObjectUpload,
  PendingUpload,
  StoredObject,
} from '../objects/object-store.js';
import { type Patience, usualPatience } from '../objects/patience.js';
import { StorageError } from '../storage-error.js';
import { type GcsAnswer, GcsClient } from './gcs-client.js';
import {
  type GcsObject,
  OBJECT_FIELDS,
  readObject,
  readPage,
  storedObject,
} from './gcs-objects.js';
import { type GcsPlace, identifyPlace } from './gcs-place.js';
import { readContent } from './gcs-read.js';
import { GcsUpload, objectPath } from './gcs-upload.js';

const PAGE_FIELDS = `nextPageToken,prefixes,items(${OBJECT_FIELDS})`;

/** A bucket of Google Cloud Storage. */
export class GcsStore implements ObjectStore {
  readonly description: string;
  readonly identity: string;
  private readonly client: GcsClient;
  /** What all keys of the storage begin with: '' or "folder/". */
  private readonly base: string;

  constructor(place: GcsPlace, patience: Patience = usualPatience()) {
    this.client = new GcsClient(place, patience);
    this.description = this.client.description;
    this.identity = identifyPlace(place);
    this.base = place.prefix && `${place.prefix}/`;
  }

  /** Lists one object. Writers of objects have no right to look at the bucket itself. */
  async requireBucket(call: Call): Promise<void> {
    await this.page('', { maxResults: '1' }, call);
  }

  /** Reads the header Date of an answer, exact to a second. An answer 404 has it, too. */
  async now(call: Call): Promise<number> {
    const { headers } = await this.askObject('GET', '.now', 'tell the time', call);
    const now = Date.parse(headers['date'] ?? '');
    if (!Number.isNaN(now)) return now;
    const why = `${this.description} does not tell the time; is there a proxy before it that removes the header "Date"?`;
    throw new StorageError('STORAGE_FAILED', '', why);
  }

  async head(key: string, call: Call): Promise<StoredObject | undefined> {
    const found = await this.look(key, call);
    return found && storedObject(found, key);
  }

  get(key: string, call: Call): AsyncIterable<Uint8Array> {
    const path = objectPath(this.client, this.base + key);
    return readContent(this.client, { method: 'GET', path, what: `read ${key}`, key }, call);
  }

  async *list(
    prefix: string,
    { delimited }: { delimited: boolean },
    call: Call,
  ): AsyncGenerator<ObjectListing> {
    const delimiter = delimited ? '/' : undefined;
    const relative = (name: string) => name.slice(this.base.length);
    const seen = new Set<string>();
    for (let pageToken: string | undefined; ;) {
      const { objects, prefixes, next } = await this.page(prefix, { delimiter, pageToken }, call);
      yield {
        objects: objects.map((object) => storedObject(object, relative(object.name))),
        folders: prefixes.map((name) => relative(name).replace(/\/$/, '')),
      };
      if (next === undefined) return;
      if (seen.has(next)) {
        const why = `${this.description} lists the same page again and again; is the endpoint one of GCS?`;
        throw new StorageError('STORAGE_FAILED', '', why);
      }
      seen.add(next);
      pageToken = next;
    }
  }

  upload(key: string, call: Call): Promise<ObjectUpload> {
    const name = this.base + key;
    const look = (now: Call) => this.look(key, now);
    return Promise.resolve(new GcsUpload(this.client, { name, key }, look, call));
  }

  async remove(key: string, call: Call): Promise<void> {
    await this.askObject('DELETE', key, `remove ${key}`, call);
  }

  /** GCS lists no unfinished uploads. It forgets them by itself after a week. */
  pending(): Promise<PendingUpload[]> {
    return Promise.resolve([]);
  }

  abortPending(): Promise<void> {
    return Promise.resolve();
  }

  private async look(key: string, call: Call): Promise<GcsObject | undefined> {
    const { status, body } = await this.askObject('GET', key, `look at ${key}`, call);
    return status === 404 ? undefined : readObject(body, this.description);
  }

  /** An object that is not there is no fault. */
  private askObject(
    method: 'GET' | 'DELETE',
    key: string,
    what: string,
    call: Call,
  ): Promise<GcsAnswer> {
    const path = objectPath(this.client, this.base + key);
    const query = method === 'GET' ? { fields: OBJECT_FIELDS } : {};
    return this.client.ask({ method, path, query, what, key, expected: [404] }, call);
  }

  private async page(prefix: string, query: Record<string, string | undefined>, call: Call) {
    const { body } = await this.client.ask(
      {
        method: 'GET',
        path: `/storage/v1/b/${encodeURIComponent(this.client.place.bucket)}/o`,
        query: { prefix: this.base + prefix, fields: PAGE_FIELDS, maxResults: '1000', ...query },
        what: prefix === '' ? 'list its objects' : `list ${prefix}`,
        key: '',
      },
      call,
    );
    return readPage(body, this.description);
  }
}
