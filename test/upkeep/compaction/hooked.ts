import type { StorageBackend, FileWriter } from '../../../src/storage/backend.js';
import { LocalBackend } from '../../../src/storage/local/local-backend.js';
import { BackupStorage } from '../../../src/storage/storage.js';

/** What changes a storage: `publish` of a file, or one of these operations. */
const CHANGES = ['begin', 'makeFolder', 'remove', 'removeFolder'];

/** A real local folder as a storage. `around` runs each change, or something else in its place. */
export function hooked(
  folder: string,
  around: (what: string, handle: string, change: () => Promise<unknown>) => Promise<unknown>,
  before: () => void = () => undefined,
): BackupStorage {
  const local = new LocalBackend(folder);
  const writer = (file: FileWriter): FileWriter => ({
    handle: file.handle,
    write: (bytes) => file.write(bytes),
    publish: (options) =>
      around('publish', file.handle, () => file.publish(options)) as ReturnType<
        FileWriter['publish']
      >,
    discard: () => file.discard(),
  });
  const backend = new Proxy<StorageBackend>(local, {
    get(target, name: string) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      const call = value.bind(local) as (...args: unknown[]) => unknown;
      if (name === 'create') {
        return async (...args: unknown[]) => {
          before();
          return writer((await call(...args)) as FileWriter);
        };
      }
      return (...args: unknown[]) => {
        before();
        const isChange = CHANGES.includes(name);
        const handle = typeof args[0] === 'string' ? args[0] : '';
        return isChange
          ? around(name, handle, () => Promise.resolve(call(...args)))
          : call(...args);
      };
    },
  });
  return new BackupStorage(backend);
}

/** A process that dies right after the `most`-th change, or never. `changes`: how many there were. */
export function dying(folder: string, most = Infinity) {
  const state = { changes: 0 };
  const requireAlive = () => {
    if (state.changes >= most) throw new Error('this process is dead');
  };
  const storage = hooked(
    folder,
    async (_what, _handle, change) => {
      requireAlive();
      const result = await change();
      state.changes += 1;
      requireAlive();
      return result;
    },
    requireAlive,
  );
  return { storage, state };
}
