import type { S3 } from '@aws-sdk/client-s3';
import { orAborted } from '../../lib/or-aborted.js';
import { storageDeadlineMs } from '../deadlines.js';
import type { Call } from '../backend.js';
import { isStorageError } from '../storage-error.js';
import { MayPass, patiently, usualPatience } from '../objects/patience.js';
import { type S3Access, SLOW_LINE, clientFor, renewClient } from './s3-client.js';
import { passingOf, s3Error } from './s3-errors.js';

/** A request, made with the client that it is given. */
export type Ask<T> = (s3: S3, options: { abortSignal: AbortSignal }) => Promise<T>;

/** Asks a store, again and again as long as it says that it is busy, or a connection breaks. */
export class S3Calls {
  constructor(
    private readonly access: S3Access,
    /** For messages. */
    private readonly description: string,
  ) {}

  /**
   * `what` is to be read after "cannot"; it stands before the name of the storage.
   * @throws StorageError, whose cause is named as the store names what went wrong; the signal's reason
   */
  async run<T>(what: string, handle: string, call: Call, ask: Ask<T>): Promise<T> {
    let renewed = false;
    return patiently(call, usualPatience(), async () => {
      call.signal.throwIfAborted();
      const client = await clientFor(this.access);
      try {
        // The SDK waits for credentials whatever the signal says.
        const answer = await orAborted(ask(client, { abortSignal: call.signal }), call.signal);
        call.progress();
        return answer;
      } catch (error) {
        // All later requests of this client would wait for credentials that hang.
        if (isStorageError(call.signal.reason, 'STORAGE_STALLED')) renewClient(client);
        const told = s3Error(error, handle, `cannot ${what} in ${this.description}`);
        const passing = passingOf(error);
        if (passing === 'no' || (passing === 'credentials' && renewed)) throw told;
        if (passing === 'credentials') {
          renewed = true;
          renewClient(client);
        }
        throw new MayPass(passing === 'throttled' ? 'throttled' : 'trouble', told);
      }
    });
  }

  /**
   * The same with a large body. On a slow line it gets on as long as its socket does, which the client watches. What
   * lasts longer than a request may has no socket: it waits for credentials.
   */
  async send<T>(what: string, handle: string, call: Call, ask: Ask<T>): Promise<T> {
    const deadline = storageDeadlineMs();
    return this.run(what, handle, call, async (s3, options) => {
      const ticking = setInterval(call.progress, deadline / 4);
      const enough = setTimeout(() => clearInterval(ticking), SLOW_LINE * deadline);
      try {
        return await ask(s3, options);
      } finally {
        clearInterval(ticking);
        clearTimeout(enough);
      }
    });
  }
}
