import { setMaxListeners } from 'node:events';
import type { Files, StorageBackend } from './backend.js';
import { type Start, Steps, bounded } from './bounded.js';
import { readInTime } from './bounded-read.js';
import { BoundedWriter } from './bounded-writer.js';

const DEFAULT_SECONDS = 60;
const MOST_SECONDS = 300;

/**
 * How long one operation of a storage may take.
 * @throws Error when APTOS_BACKUP_STORAGE_SECONDS is no valid time
 */
export function storageDeadlineMs(env: NodeJS.ProcessEnv = process.env): number {
  const text = env['APTOS_BACKUP_STORAGE_SECONDS'] ?? `${DEFAULT_SECONDS}`;
  const seconds = Number(text);
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= MOST_SECONDS) return seconds * 1000;
  throw new Error(
    `APTOS_BACKUP_STORAGE_SECONDS must be a whole number from 1 to ${MOST_SECONDS}, not "${text}"`,
  );
}

/**
 * A backend that always answers. Each operation, each part that is read, each step through a folder and
 * each write returns in time or fails with STORAGE_STALLED. `signal` ends every wait. A stalled operation
 * that returns late must not continue, so that no file appears after everybody has given up on it.
 */
export function withDeadlines(
  backend: StorageBackend,
  limitMs: number,
  signal?: AbortSignal,
): Files {
  const { description, id, defaultEncoding, gzipLevel, byNameOnly } = backend;
  const boundsOf = (what: string, handle: string) => {
    return { description, limitMs, what, handle, signal };
  };
  const run = <T>(what: string, handle: string, start: Start<T>, late?: (value: T) => void) =>
    bounded({ ...boundsOf(what, handle), late }, start);
  const toTheEnd = <T>(what: string, handle: string, start: Start<T>) =>
    bounded({ ...boundsOf(what, handle), signal: undefined, late: undefined }, start);

  return {
    description,
    id,
    byNameOnly,
    defaultEncoding,
    gzipLevel,
    begin: () => run('make the storage', '', (call) => backend.begin(call)),
    probe: () => run('try what it can do', '', (call) => backend.probe(call)),
    makeFolder: (folder) =>
      run(`make the folder ${folder}`, folder, (call) => backend.makeFolder(folder, call)),
    async create(handle) {
      // For the whole life of the file: a step that stalled ends it.
      const stop = new AbortController();
      const both = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
      setMaxListeners(0, both); // each request that is on its way listens to it
      const steps = new Steps();
      const call = { signal: both, progress: () => steps.progress() };
      const file = await run(
        `begin ${handle}`,
        handle,
        steps.of(() => backend.create(handle, call)),
        (late) => void late.discard().catch(() => undefined),
      );
      return new BoundedWriter(file, stop, steps, run, toTheEnd);
    },
    read: (handle) => readInTime(backend, boundsOf(`read ${handle}`, handle), toTheEnd),
    stat: (handle) => run(`look at ${handle}`, handle, (call) => backend.stat(handle, call)),
    entries: (folder) =>
      run(folder === '' ? 'list its folders' : `list ${folder}`, folder, (call) =>
        backend.entries(folder, call),
      ),
    list: (folder) => run(`list ${folder}`, folder, (call) => backend.list(folder, call)),
    stamps: (folder) => run(`list ${folder}`, folder, (call) => backend.stamps(folder, call)),
    ...(backend.readSmall && {
      readSmall: (handle: string) =>
        run(`read ${handle}`, handle, (call) => backend.readSmall!(handle, call)),
    }),
    remove: (handle) => run(`remove ${handle}`, handle, (call) => backend.remove(handle, call)),
    removeFolder: (folder) =>
      run(`remove ${folder}`, folder, (call) => backend.removeFolder(folder, call)),
    now: () => run('ask for its time', '', (call) => backend.now(call)),
    lastChange: (folder) =>
      run(`look at ${folder}`, folder, (call) => backend.lastChange(folder, call)),
    removeLeftovers: (folder, whose) =>
      run(`tidy ${folder}`, folder, (call) => backend.removeLeftovers(folder, whose, call)),
  };
}
