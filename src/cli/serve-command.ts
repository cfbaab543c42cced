import { once } from 'node:events';
import { Archive } from '../archive/archive.js';
import { serveArchive } from '../archive/server.js';
import { storageName } from '../contract/storage-name.js';
import { openReadable } from '../storage/index/open-readable.js';
import { cannotListen } from './cannot-listen.js';
import { type CommonFlags } from './options.js';
import { storageOf } from './storage-options.js';
import { typedAddress, typedNumber } from './typed.js';

export interface ServeFlags extends CommonFlags {
  listen: string;
  cacheBytes: string;
}

/** `serve`: plays a node's backup service from a storage until the signal aborts. Writes nothing into the storage. */
export async function runServe(flags: ServeFlags, signal: AbortSignal): Promise<void> {
  const settings = storageOf(flags);
  const { host, port } = typedAddress('--listen', flags.listen);
  const cacheBytes = typedNumber('--cache-bytes', flags.cacheBytes);
  const log = logger(flags.json ?? false);
  const onError = (error: unknown, path?: string) => {
    if (signal.aborted) return; // the end of this command ended it
    const { message, code, object } = error as Error & { code?: string; object?: string };
    const named = Object.entries({ request: path, object, code }).filter(([, text]) => text);
    log({ event: 'error', ...Object.fromEntries(named) }, message);
  };
  const archive = await Archive.open({
    storage: await openReadable(settings, signal),
    cacheBytes,
    onError,
  });
  const tip = await archive.tip();
  const server = await serveArchive(archive, { host, port, onError }).catch((error: unknown) => {
    throw cannotListen('--listen', flags.listen, error);
  });
  const has = tip ? `epoch ${tip.epoch}, version ${tip.version}` : 'nothing is stored yet';
  const { address } = server;
  const storage = storageName(settings);
  log({ event: 'start', address, storage }, `serving ${storage} at ${address}: ${has}`);
  if (!signal.aborted) await once(signal, 'abort');
  await server.close();
}

type Fields = Record<string, string>;

/** One line for each event: errors to stderr, the start to stdout; in JSON if asked for. */
function logger(json: boolean): (fields: Fields & { event: string }, message: string) => void {
  return (fields, message) => {
    const { event, ...rest } = fields;
    const text = json
      ? JSON.stringify({ at: new Date().toISOString(), event, ...rest, message })
      : event === 'error'
        ? `${new Date().toISOString()} ${rest['request'] ? `${rest['request']}: ` : ''}${message}`
        : message;
    (event === 'error' ? process.stderr : process.stdout).write(`${text}\n`);
  };
}
