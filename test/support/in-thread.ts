import type { BackupStorage } from '../../src/storage/storage.js';

/**
 * A storage as the code in a thread of its own may use it. Nothing that this process has read of the metadata is known
 * there, so a catalogue would be read anew, in the small memory of the thread: it is refused.
 */
export function inThread(storage: BackupStorage): BackupStorage {
  const refuse = () => Promise.reject(new Error('a thread of its own asks for all metadata'));
  return Object.create(storage, { listAllInMetadata: { value: refuse } }) as BackupStorage;
}
