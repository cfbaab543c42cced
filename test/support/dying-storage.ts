import type { Call, FileWriter, StorageBackend } from '../../src/storage/backend.js';
import { openBackend } from '../../src/storage/registry.js';
import { BackupStorage } from '../../src/storage/storage.js';

/** What a process that was killed can do no more. */
export class Died extends Error {
  override readonly name = 'Died';
}

/** Changes of a storage: what a kill may come before. */
const CHANGES = ['makeFolder', 'remove', 'removeFolder', 'removeLeftovers'] as const;

/**
 * A storage in a folder, for a process that is killed directly before its `diesAt`-th change of the storage. From then
 * on nothing works. `changes`: how many there were.
 */
export function dyingStorage(folder: string, diesAt = Infinity) {
  const backend = openBackend({ local_fs_dir: folder });
  let changes = 0;
  const live = () => {
    if (changes >= diesAt) throw new Died('the process was killed');
  };
  const change = () => {
    live();
    changes += 1;
    live();
  };
  const dying = new Proxy(backend, {
    get(target, name: keyof StorageBackend) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      const method = value.bind(target) as (...args: unknown[]) => unknown;
      if (name === 'create') {
        return async (handle: string, call: Call) => {
          live();
          return writer(await target.create(handle, call), change);
        };
      }
      return (...args: unknown[]) => {
        if ((CHANGES as readonly string[]).includes(name)) change();
        else live();
        return method(...args);
      };
    },
  });
  return { storage: new BackupStorage(dying), changes: () => changes };
}

function writer(file: FileWriter, change: () => void): FileWriter {
  return {
    handle: file.handle,
    write: (bytes) => file.write(bytes),
    async publish(options) {
      change();
      return file.publish(options);
    },
    discard: () => file.discard(),
  };
}
