import type { Call } from '../backend.js';
import { StorageError } from '../storage-error.js';
import type { GcsAnswer, GcsClient } from './gcs-client.js';
import { UPLOAD_MARK } from './gcs-objects.js';

/** What GCS needs to know of a new object before its content. */
export interface NewObject {
  /** The key in the bucket. */
  name: string;
  /** The key below the prefix of the storage. */
  key: string;
  /** Says which upload made the object. */
  mark: string;
}

/**
 * A resumable upload: its parts are sent in order, and the object appears with the last one. GCS lists no such
 * uploads; those of dead processes it forgets by itself after a week.
 */
export class GcsSession {
  private sent = 0;

  private constructor(
    private readonly client: GcsClient,
    private readonly object: NewObject,
    private readonly path: string,
  ) {}

  /** With `ifAbsent`, the object appears only where there is none of its name. */
  static async begin(
    client: GcsClient,
    object: NewObject,
    { ifAbsent }: { ifAbsent: boolean },
    call: Call,
  ): Promise<GcsSession | 'exists'> {
    const { status, headers } = await client.ask(
      {
        method: 'POST',
        path: uploadPath(client),
        query: {
          uploadType: 'resumable',
          name: object.name,
          ifGenerationMatch: ifAbsent ? '0' : undefined,
        },
        headers: { 'Content-Type': 'application/json' },
        body: [Buffer.from(JSON.stringify(describeObject(object)))],
        what: `begin ${object.key}`,
        key: object.key,
        expected: [412],
      },
      call,
    );
    if (status === 412) return 'exists';
    const location = headers['location'];
    if (location === undefined || !URL.canParse(location)) {
      const why = `${client.description} began no upload of ${object.key}; is the endpoint one of GCS?`;
      throw new StorageError('STORAGE_FAILED', object.key, why);
    }
    // Requests go to the endpoint that we were given, and nowhere else. A proxy may put a path before that of GCS.
    const { pathname, search } = new URL(location);
    const own = new URL(client.place.endpoint).pathname.replace(/\/$/, '');
    const path = pathname.startsWith(`${own}/`) ? pathname.slice(own.length) : pathname;
    return new GcsSession(client, object, `${path}${search}`);
  }

  /** Sends a part, a multiple of 256 KiB. The whole part may be sent again: GCS ignores what it has already. */
  async send(part: readonly Uint8Array[], call: Call): Promise<void> {
    const end = this.sent + lengthOf(part);
    while (this.sent < end) {
      const rest = tail(part, lengthOf(part) - (end - this.sent));
      const range = `bytes ${this.sent}-${end - 1}/*`;
      const { status, headers } = await this.put(rest, { 'Content-Range': range }, [308], call);
      const has = /^bytes=0-(\d+)$/.exec(headers['range'] ?? '')?.[1];
      const reached = has === undefined ? 0 : Number(has) + 1;
      if (status !== 308 || reached <= this.sent || reached > end) throw this.lost(status);
      this.sent = reached;
    }
  }

  /**
   * Sends the last part, which makes the object visible. `undefined`: the session is over, and GCS does not say
   * whether it made the object. Its condition failed, or GCS has forgotten it.
   */
  async finish(
    last: readonly Uint8Array[],
    md5: string,
    call: Call,
  ): Promise<GcsAnswer | undefined> {
    const length = lengthOf(last);
    const total = this.sent + length;
    const headers = {
      'Content-Range': `bytes ${this.sent}-${total - 1}/${total}`,
      'X-Goog-Hash': `md5=${md5}`,
    };
    const answer = await this.put(last, headers, [308, 404, 410, 412], call);
    if (answer.status === 308) throw this.lost(308);
    return answer.status < 300 ? answer : undefined;
  }

  /** Ends the session. GCS answers with status 499. */
  async cancel(call: Call): Promise<void> {
    const { key } = this.object;
    const what = `cancel the upload of ${key}`;
    const expected = [404, 410, 499];
    const { path } = this;
    await this.client.askOnce({ method: 'DELETE', path, what, key, expected }, call);
  }

  private put(
    body: readonly Uint8Array[],
    headers: Record<string, string>,
    expected: readonly number[],
    call: Call,
  ): Promise<GcsAnswer> {
    const { key } = this.object;
    const type = { 'Content-Type': CONTENT_TYPE };
    return this.client.ask(
      {
        method: 'PUT',
        path: this.path,
        headers: { ...type, ...headers },
        body,
        what: `write ${key}`,
        key,
        expected: [...expected, 404, 410],
      },
      call,
    );
  }

  private lost(status: number): StorageError {
    const { key } = this.object;
    const why = `${this.client.description} lost the upload of ${key} (${status}) before it was whole; it is begun again with the next attempt`;
    return new StorageError('STORAGE_FAILED', key, why);
  }
}

export const CONTENT_TYPE = 'application/octet-stream';

export function uploadPath({ place }: GcsClient): string {
  return `/upload/storage/v1/b/${encodeURIComponent(place.bucket)}/o`;
}

/** No Content-Encoding: GCS and its clients would unpack the object for whoever reads it. */
export function describeObject({ name, mark }: NewObject) {
  return { name, contentType: CONTENT_TYPE, metadata: { [UPLOAD_MARK]: mark } };
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

function tail(parts: readonly Uint8Array[], from: number): readonly Uint8Array[] {
  if (from === 0) return parts;
  return [Buffer.concat(parts).subarray(from)];
}
