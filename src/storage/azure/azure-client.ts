import type { ContainerClient } from '@azure/storage-blob';
import { type Patience, patiently, watched } from '../objects/patience.js';
import { silentFor } from '../objects/request-faults.js';
import type { Call } from '../backend.js';
import { azureAccess, sourceOf } from './azure-credentials.js';
import { type AzureAsked, azureError, codeOf } from './azure-errors.js';
import { forgetIdentity } from './azure-identity.js';
import { type AzurePlace, describePlace } from './azure-place.js';

/** What the SDK is given for one request. */
export interface Attempt {
  abortSignal: AbortSignal;
  /** To be called whenever bytes came or went. */
  onProgress: () => void;
}

export interface Request<T> {
  /** The end of a sentence: it follows "when asked to". */
  what: string;
  /** For errors; '' for none. */
  key: string;
  /** Makes one attempt. */
  run: (container: ContainerClient, attempt: Attempt) => Promise<T>;
}

/**
 * The SDK's client of a container, loaded at its first use. Its own retries are off: deadlines, pauses and errors are
 * ours.
 */
export class AzureClient {
  readonly description: string;
  private container: Promise<ContainerClient> | undefined;

  constructor(
    readonly place: AzurePlace,
    readonly patience: Patience,
    private readonly env: NodeJS.ProcessEnv = process.env,
  ) {
    this.description = describePlace(place);
  }

  /** Sends a request, again and again while its fault may pass. @throws StorageError */
  ask<T>(request: Request<T>, call: Call): Promise<T> {
    return patiently(call, this.patience, () => this.askOnce(request, call));
  }

  /** @throws MayPass when the same request may succeed in a moment */
  async askOnce<T>({ what, key, run }: Request<T>, call: Call): Promise<T> {
    const asked = this.asked(what, key);
    const { idleMs } = this.patience;
    const silent = () => {
      this.container = undefined; // it may wait for a token that hangs, and all later requests with it
      return silentFor(asked, idleMs);
    };
    return watched(call, idleMs, silent, async (abortSignal, alive) => {
      try {
        const answer = await run(await this.load(), { abortSignal, onProgress: alive });
        alive();
        return answer;
      } catch (thrown) {
        if ((thrown as { statusCode?: unknown }).statusCode === 401) {
          forgetIdentity();
          this.container = undefined; // it remembers the token that was refused, until that token ends
        }
        throw azureError(asked, thrown);
      }
    });
  }

  /** For errors about a request. */
  asked(what: string, key: string): AzureAsked {
    const { description } = this;
    return { description, credentials: sourceOf(this.place, this.env), what, key };
  }

  /** Loads the SDK only now: other storages do not need it. */
  private load(): Promise<ContainerClient> {
    this.container ??= open(this.place, this.env);
    this.container.catch(() => (this.container = undefined));
    return this.container;
  }
}

async function open(place: AzurePlace, env: NodeJS.ProcessEnv): Promise<ContainerClient> {
  const { ContainerClient, newPipeline } = await import('@azure/storage-blob');
  const { endpoint, credential, sas } = await azureAccess(place, env);
  const query = sas === undefined ? '' : `?${sas}`;
  const url = `${endpoint}/${encodeURIComponent(place.container)}${query}`;
  return new ContainerClient(url, newPipeline(credential, { retryOptions: { maxTries: 1 } }));
}

/**
 * The answer, or Azure's code of the fault if it is one of `codes`. The answer 404 to a HEAD may have no code: then
 * the first of `codes`.
 */
export async function unlessCode<T, Code extends string>(
  request: Promise<T>,
  ...codes: readonly [Code, ...Code[]]
): Promise<T | Code> {
  try {
    return await request;
  } catch (thrown) {
    const told = codeOf(thrown);
    const code = codes.find((one) => one === told);
    if (code !== undefined) return code;
    const { statusCode } = thrown as { statusCode?: unknown };
    if (told === '' && statusCode === 404) return codes[0];
    throw thrown;
  }
}
