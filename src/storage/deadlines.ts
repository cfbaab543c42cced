import { setMaxListeners } from 'node:events';
import { StorageError } from './errors.js';
import { noteOverdue } from './overdue.js';
import { readWhole } from './read-whole.js';
import type { BackupStorage, FileWriter } from './storage.js';

const DEFAULT_SECONDS = 60;
const MOST_SECONDS = 300;

/**
 * How long one operation of a storage may take. @throws Error when APTOS_BACKUP_STORAGE_SECONDS
 * is no such time
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
 * A storage that always answers: each operation, each part that is read, each step through a folder
 * and each write comes back in time or fails with STORAGE_STALLED, and a signal ends every wait. What
 * stalled is told to go no further when it comes back after all, so that nothing appears that nobody
 * waits for any more.
 */
export function withDeadlines(storage: BackupStorage, limitMs: number): BackupStorage {
  const run = <T>(
    what: string,
    handle: string,
    signal: AbortSignal | undefined,
    start: Start<T>,
    late?: (value: T) => void,
  ) => bounded({ storage, limitMs, what, handle, signal, late }, start);

  const bound: BackupStorage = {
    description: storage.description,
    begin: (signal) => run('make the storage', '', signal, (s) => storage.begin(s)),
    createBackup: (name, signal) =>
      run(`make the folder ${name}`, name, signal, (s) => storage.createBackup(name, s)),
    async createFile(folder, name, signal) {
      const handle = `${folder}/${name}`;
      // Of the whole life of the file: a step that stalled ends it.
      const stop = new AbortController();
      const both = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
      const file = await run(
        `begin ${handle}`,
        handle,
        signal,
        () => storage.createFile(folder, name, both),
        (late) => void late.discard().catch(() => undefined),
      );
      return new BoundedWriter(file, stop, (what, start) =>
        run(what, handle, signal, () => start()),
      );
    },
    async *read(handle, signal) {
      const parts = storage.read(handle, signal)[Symbol.asyncIterator]();
      let hangs = true;
      try {
        for (;;) {
          hangs = true;
          const part = await run(`read ${handle}`, handle, signal, () => parts.next());
          hangs = false;
          if (part.done) return;
          yield part.value;
        }
      } finally {
        const end = Promise.resolve(parts.return?.());
        if (hangs) end.catch(() => undefined);
        else await run(`close ${handle}`, handle, undefined, () => end);
      }
    },
    readAll: (handle, maxBytes, signal) => readWhole(bound, handle, maxBytes, signal),
    size: (handle, signal) =>
      run(`look at ${handle}`, handle, signal, (s) => storage.size(handle, s)),
    stamp: (handle, signal) =>
      run(`look at ${handle}`, handle, signal, (s) => storage.stamp(handle, s)),
    listFolder: (folder, signal) =>
      run(`list ${folder}`, folder, signal, (s, p) => storage.listFolder(folder, s, p)),
    listFolders: (signal) => run('list its folders', '', signal, (s) => storage.listFolders(s)),
    lastChange: (folder, signal) =>
      run(`look at ${folder}`, folder, signal, (s, p) => storage.lastChange(folder, s, p)),
    removeFile: (handle, signal) =>
      run(`remove ${handle}`, handle, signal, (s) => storage.removeFile(handle, s)),
    removeFolder: (folder, signal) =>
      run(`remove ${folder}`, folder, signal, (s) => storage.removeFolder(folder, s)),
    removeLeftovers: (folder, signal, whose) =>
      run(`tidy ${folder}`, folder, signal, (s) => storage.removeLeftovers(folder, s, whose)),
    saveMetadata: (name, content, signal) =>
      run(`write metadata/${name}`, `metadata/${name}`, signal, (s) =>
        storage.saveMetadata(name, content, s),
      ),
    listMetadata: (signal) =>
      run('list metadata', 'metadata', signal, (s) => storage.listMetadata(s)),
    retireMetadata: (handle, signal) =>
      run(`move ${handle}`, handle, signal, (s) => storage.retireMetadata(handle, s)),
  };
  return bound;
}

type Step = <T>(what: string, start: () => Promise<T>) => Promise<T>;

class BoundedWriter implements FileWriter {
  private lost = false;

  constructor(
    private readonly inner: FileWriter,
    private readonly stop: AbortController,
    private readonly bound: Step,
  ) {}

  get handle(): string {
    return this.inner.handle;
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.step('write', () => this.inner.write(bytes));
  }

  publish(options?: { replace?: boolean }): Promise<'created' | 'exists'> {
    return this.step('publish', () => this.inner.publish(options));
  }

  /** Does not wait again for a file of which a step is still under way. */
  async discard(): Promise<void> {
    if (this.lost) void this.inner.discard().catch(() => undefined);
    else await this.step('discard', () => this.inner.discard());
  }

  private async step<T>(what: string, start: () => Promise<T>): Promise<T> {
    let back = false;
    try {
      return await this.bound(`${what} ${this.handle}`, () => start().finally(() => (back = true)));
    } catch (error) {
      if (!back) {
        this.lost = true;
        this.stop.abort(error);
      }
      throw error;
    }
  }
}

/** An operation; `progress` gives it the whole time again. */
type Start<T> = (signal: AbortSignal, progress: () => void) => Promise<T>;

interface Bounds<T> {
  storage: BackupStorage;
  limitMs: number;
  /** To be read after "it was to". */
  what: string;
  handle: string;
  signal: AbortSignal | undefined;
  /** What to do with a value that comes when nobody waits for it any more. */
  late: ((value: T) => void) | undefined;
}

async function bounded<T>(
  { storage, limitMs, what, handle, signal, late }: Bounds<T>,
  start: Start<T>,
): Promise<T> {
  signal?.throwIfAborted();
  if (signal) setMaxListeners(0, signal); // each operation under way listens to it
  const stop = new AbortController();
  let left = false;
  let deadline: NodeJS.Timeout | undefined;
  const running = start(stop.signal, () => {
    if (!left) deadline?.refresh();
  });
  return new Promise<T>((resolve, reject) => {
    const leave = (reason: Error) => {
      if (left) return;
      left = true;
      stop.abort(reason);
      reject(reason);
    };
    // It goes on after an abort: whether the operation ever comes back has to be known.
    deadline = setTimeout(() => {
      noteOverdue(`${storage.description}: ${what}`, running);
      const why = `${storage.description} has not answered for ${limitMs / 1000} s, when it was to ${what}; is it reachable?`;
      leave(new StorageError('STORAGE_STALLED', handle, why, true));
    }, limitMs);
    const onAbort = () => {
      deadline?.unref();
      leave(signal!.reason as Error);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    const end = () => {
      clearTimeout(deadline);
      deadline = undefined; // one that is cleared must not be started again
      signal?.removeEventListener('abort', onAbort);
    };
    running.then(
      (value) => {
        end();
        if (left) late?.(value);
        else resolve(value);
      },
      (error: Error) => {
        end();
        reject(error);
      },
    );
  });
}
