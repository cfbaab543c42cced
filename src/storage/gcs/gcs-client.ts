import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { GoogleAuth } from 'google-auth-library';
import { type Patience, patiently, watched } from '../objects/patience.js';
import { silentFor } from '../objects/request-faults.js';
import type { Call } from '../backend.js';
import {
  type GcsAsked,
  errorOfAnswer,
  errorOfConnection,
  errorOfCredentials,
  tokenServerSilent,
} from './gcs-errors.js';
import { type GcsPlace, describePlace } from './gcs-place.js';
import { sendRequest, textOf } from './gcs-transport.js';

/** The right that our requests need, and no more. */
const SCOPE = 'https://www.googleapis.com/auth/devstorage.read_write';
/** A page of a listing has about a thousandth of it. */
const MOST_TEXT_BYTES = 64 * 1024 * 1024;
const MOST_ERROR_BYTES = 64 * 1024;

export interface GcsRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the endpoint, which may have a path of its own. */
  path: string;
  query?: Record<string, string | undefined>;
  headers?: Record<string, string>;
  body?: readonly Uint8Array[];
  /** The end of a sentence: it follows "when asked to". */
  what: string;
  /** For errors; '' for none. */
  key: string;
  /** Statuses that the caller handles, beside those of success. */
  expected?: readonly number[];
}

export interface GcsAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/**
 * Speaks the JSON API of GCS with the credentials of Google's standard chain. @google-cloud/storage does the same, but
 * none of its calls can be cancelled: an object could appear that nobody waits for any more
 * (docs/decisions/7-gcs-without-its-sdk.md).
 */
export class GcsClient {
  readonly description: string;

  constructor(
    readonly place: GcsPlace,
    readonly patience: Patience,
  ) {
    this.description = describePlace(place);
  }

  /** Sends a request, again and again while its fault may pass. @throws StorageError */
  ask(request: GcsRequest, call: Call): Promise<GcsAnswer> {
    return patiently(call, this.patience, () => this.askOnce(request, call));
  }

  /** @throws MayPass when the same request may succeed in a moment */
  askOnce(request: GcsRequest, call: Call): Promise<GcsAnswer> {
    return this.send(request, call, async (answer, status, alive) => {
      const { headers } = answer;
      return { status, headers, body: await textOf(answer, MOST_TEXT_BYTES, alive) };
    });
  }

  /** Sends a request once. The caller reads its content as it comes. @throws MayPass */
  open(
    request: GcsRequest,
    call: Call,
  ): Promise<{ status: number; headers: IncomingHttpHeaders; content: IncomingMessage }> {
    return this.send(request, call, (content, status) =>
      Promise.resolve({ status, headers: content.headers, content }),
    );
  }

  /** For errors about a request. */
  asked({ what, key }: GcsRequest): GcsAsked {
    return { description: this.description, anonymous: this.place.anonymous, what, key };
  }

  private send<T>(
    request: GcsRequest,
    call: Call,
    read: (answer: IncomingMessage, status: number, alive: () => void) => Promise<T>,
  ): Promise<T> {
    const asked = this.asked(request);
    const { idleMs } = this.patience;
    let isAuthorized = false;
    const silent = () => {
      if (isAuthorized) return silentFor(asked, idleMs);
      credentials = undefined; // a request for a token hangs, for which all others would wait
      return tokenServerSilent(asked, idleMs);
    };
    return watched(call, idleMs, silent, async (signal, alive) => {
      const authorization = await this.authorization(asked);
      isAuthorized = true;
      alive();
      try {
        const answer = await sendRequest(this.httpRequest(request, authorization), signal, alive);
        alive();
        const { statusCode: status = 0 } = answer;
        if ((status >= 200 && status < 300) || request.expected?.includes(status)) {
          return await read(answer, status, alive);
        }
        if (status === 401) credentials = undefined; // so the next request looks for credentials again
        throw errorOfAnswer(asked, status, await textOf(answer, MOST_ERROR_BYTES, alive));
      } catch (thrown) {
        throw errorOfConnection(asked, thrown);
      }
    });
  }

  private async authorization(asked: GcsAsked): Promise<Record<string, string>> {
    if (this.place.anonymous) return {};
    try {
      credentials ??= findCredentials();
      return await (await credentials).getRequestHeaders();
    } catch (thrown) {
      credentials = undefined;
      throw errorOfCredentials(asked, thrown);
    }
  }

  private httpRequest(
    { method, path, query = {}, headers, body = [] }: GcsRequest,
    authorization: Record<string, string>,
  ) {
    const url = new URL(this.place.endpoint + path);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    return { method, url, headers: { ...headers, ...authorization }, body };
  }
}

/** The credentials of the host, and their tokens: all buckets of this process share them. */
let credentials: Promise<GoogleAuth> | undefined;

/** Loads the library only now, because anonymous access does not need it. */
async function findCredentials(): Promise<GoogleAuth> {
  const { GoogleAuth } = await import('google-auth-library');
  // Without an id, the library would ask for the project, which no request of ours names.
  return new GoogleAuth({ scopes: SCOPE, projectId: 'none' });
}
