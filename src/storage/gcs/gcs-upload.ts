import { createHash, randomUUID } from 'node:crypto';
import type { Call } from '../backend.js';
import type { ObjectUpload } from '../objects/object-store.js';
import { StorageError, isStorageError } from '../storage-error.js';
import type { GcsClient } from './gcs-client.js';
import { type GcsObject, readObject } from './gcs-objects.js';
import {
  CONTENT_TYPE,
  GcsSession,
  type NewObject,
  describeObject,
  uploadPath,
} from './gcs-session.js';

/** An object of up to this size is one request. A larger one is sent in parts of this size. A multiple of 256 KiB. */
export const PART_BYTES = 8 * 1024 * 1024;
const CANCEL_MS = 5_000;

type Look = (call: Call) => Promise<GcsObject | undefined>;

/**
 * An object that is being written to GCS. Memory holds two parts: one that is being sent and one that is being
 * filled. The last part is sent when the object is completed.
 */
export class GcsUpload implements ObjectUpload {
  isChecked = false;
  private readonly object: NewObject;
  private readonly md5 = createHash('md5');
  private digest: string | undefined;
  /** What was not sent yet. */
  private parts: Uint8Array[] = [];
  private size = 0;
  private session: GcsSession | undefined;
  /** There was an object when the session began, so the session has no condition. */
  private replaces = false;
  /** The last part was sent; the session is over. */
  private isOver = false;
  private sending: Promise<void> = Promise.resolve();
  private readonly call: Call;
  private readonly stop = new AbortController();

  constructor(
    private readonly client: GcsClient,
    { name, key }: { name: string; key: string },
    /** Looks at the object of this name. */
    private readonly look: Look,
    { signal, progress }: Call,
  ) {
    this.object = { name, key, mark: randomUUID() };
    this.call = { signal: AbortSignal.any([signal, this.stop.signal]), progress };
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.call.signal.throwIfAborted();
    this.md5.update(bytes);
    for (let at = 0; at < bytes.length;) {
      if (this.size === PART_BYTES) await this.sendPart();
      const taken = Buffer.from(bytes.subarray(at, at + PART_BYTES - this.size)); // a copy
      this.parts.push(taken);
      this.size += taken.length;
      at += taken.length;
    }
  }

  async complete({ ifAbsent }: { ifAbsent: boolean }): Promise<'created' | 'exists'> {
    this.call.signal.throwIfAborted();
    this.digest ??= this.md5.digest('base64');
    await this.sending;
    const outcome = this.session
      ? await this.finishSession(this.session, ifAbsent, this.digest)
      : await this.sendAtOnce(ifAbsent, this.digest);
    if (outcome === 'created') this.parts = [];
    return outcome;
  }

  /** Cancels the session. If that fails, GCS forgets the session after a week. */
  async abort(): Promise<void> {
    this.stop.abort(new Error(`the upload of ${this.object.key} was given up`));
    this.parts = [];
    await this.sending.catch(() => undefined);
    if (this.session && !this.isOver) {
      this.isOver = true;
      const signal = AbortSignal.timeout(CANCEL_MS);
      await this.session.cancel({ signal, progress: () => undefined }).catch(() => undefined);
    }
  }

  private async sendPart(): Promise<void> {
    await this.sending;
    this.session ??= await this.beginSession();
    const { session, parts, call } = this;
    this.parts = [];
    this.size = 0;
    this.sending = session.send(parts, call);
    this.sending.catch(() => undefined); // the next step throws it
  }

  /** A session gets its condition when it begins. So we look first whether there is an object. */
  private async beginSession(): Promise<GcsSession> {
    this.replaces = (await this.look(this.call)) !== undefined;
    const begin = (ifAbsent: boolean) =>
      GcsSession.begin(this.client, this.object, { ifAbsent }, this.call);
    let begun = await begin(!this.replaces);
    if (begun === 'exists') {
      this.replaces = true;
      begun = await begin(false);
    }
    if (begun !== 'exists') return begun;
    throw this.again('was refused');
  }

  private async finishSession(
    session: GcsSession,
    ifAbsent: boolean,
    md5: string,
  ): Promise<'created' | 'exists'> {
    if (this.isOver) throw this.again('was made by another writer meanwhile');
    if (ifAbsent && this.replaces) {
      if (await this.look(this.call)) return 'exists';
      throw this.again('was removed meanwhile');
    }
    const answer = await session.finish(this.parts, md5, this.call);
    this.isOver = true;
    const made = answer ? readObject(answer.body, this.client.description) : await this.ours();
    if (made) return this.checked(made, md5);
    if (ifAbsent && (await this.look(this.call))) return 'exists';
    throw this.again('could not be finished');
  }

  private async sendAtOnce(ifAbsent: boolean, md5: string): Promise<'created' | 'exists'> {
    const { key } = this.object;
    const boundary = this.object.mark;
    const description = JSON.stringify({ ...describeObject(this.object), md5Hash: md5 });
    const head = `--${boundary}\r\nContent-Type: application/json\r\n\r\n${description}\r\n--${boundary}\r\nContent-Type: ${CONTENT_TYPE}\r\n\r\n`;
    const { status, body } = await this.client.ask(
      {
        method: 'POST',
        path: uploadPath(this.client),
        query: {
          uploadType: 'multipart',
          name: this.object.name,
          ifGenerationMatch: ifAbsent ? '0' : undefined,
        },
        headers: { 'Content-Type': `multipart/related; boundary=${boundary}` },
        body: [Buffer.from(head), ...this.parts, Buffer.from(`\r\n--${boundary}--\r\n`)],
        what: `write ${key}`,
        key,
        expected: [412],
      },
      this.call,
    );
    if (status !== 412) return this.checked(readObject(body, this.client.description), md5);
    const made = await this.ours();
    return made ? this.checked(made, md5) : 'exists';
  }

  /** The object, if this upload made it: the answer may have been lost, and the retry refused. */
  private async ours(): Promise<GcsObject | undefined> {
    const found = await this.look(this.call);
    return found?.uploadMark === this.object.mark ? found : undefined;
  }

  /** GCS checks the digest of what it receives. This check is for servers that do not. */
  private async checked({ generation, md5 }: GcsObject, sent: string): Promise<'created'> {
    this.isChecked = md5 === sent;
    if (md5 === undefined || md5 === sent) return 'created';
    const { name, key } = this.object;
    const why = `${this.client.description} stored other bytes of ${key} than were sent; is there a proxy before it that changes them?`;
    const query = { ifGenerationMatch: generation };
    const path = objectPath(this.client, name);
    const what = `remove ${key}`;
    const expected = [404, 412];
    await this.client
      .ask({ method: 'DELETE', path, query, what, key, expected }, this.call)
      .catch((error: unknown) => {
        if (!isStorageError(error)) throw error;
      });
    throw new StorageError('STORAGE_FAILED', key, why);
  }

  private again(what: string): StorageError {
    const { key } = this.object;
    const why = `${key} in ${this.client.description} ${what}, while it was being written; it is written again with the next attempt`;
    return new StorageError('STORAGE_FAILED', key, why);
  }
}

export function objectPath({ place }: GcsClient, name: string): string {
  return `/storage/v1/b/${encodeURIComponent(place.bucket)}/o/${encodeURIComponent(name)}`;
}
