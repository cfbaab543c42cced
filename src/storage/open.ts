import { type StorageLimits, withLimits } from './limits.js';
import { openBackend, type StorageSettings } from './registry.js';
import { readablePart } from './storage-id.js';
import { BackupStorage } from './storage.js';

/** Opens the storage that settings name. `signal` ends all work on it, and `limits` bounds it. Creates nothing. */
export function openStorage(
  settings: StorageSettings,
  signal?: AbortSignal,
  limits?: StorageLimits,
): BackupStorage {
  const backend = openBackend(settings);
  return new BackupStorage(limits ? withLimits(backend, limits) : backend, signal);
}

/**
 * The short name of a storage, a part of workflow ids: something readable, and a digest that tells storages apart.
 * Everybody who names the storage in the same way gets the same one.
 */
export function storageId(settings: StorageSettings): string {
  const { id } = openBackend(settings);
  const [name = ''] = Object.values<string>(settings);
  const readable = readablePart(name);
  return readable === '' ? id : `${readable}-${id}`;
}
