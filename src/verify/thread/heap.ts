import { MAX_MANIFEST_BYTES } from '../../aptos/index.js';
import { isStorageError } from '../../storage/storage-error.js';
import type { BackupStorage } from '../../storage/storage.js';
import type { VerifyOrder } from './verify-thread-messages.js';

const MB = 1024 * 1024;
const PLAIN_MB = 96;
/** Memory for the text of a manifest and its decoded form: twice what a manifest of 50 MB took. */
const MB_PER_MANIFEST_MB = 4;

/**
 * The memory limit of a thread in MB: 96, and four times the largest manifest that it decodes; at most
 * 608. Chunks need no more, because they are read as streams.
 */
export function heapFor(storage: BackupStorage, task: VerifyOrder['task']): Promise<number> {
  const slices = task.kind === 'transactions' ? task.slices : [task.slice];
  return heapForManifests(
    storage,
    slices.map((slice) => slice.manifest),
  );
}

/** The same for whoever decodes these manifests, one after another. */
export async function heapForManifests(
  storage: BackupStorage,
  manifests: readonly string[],
): Promise<number> {
  let largest = 0;
  for (const manifest of new Set(manifests)) {
    largest = Math.max(largest, await contentBytes(storage, manifest));
  }
  return PLAIN_MB + Math.ceil((MB_PER_MANIFEST_MB * largest) / MB);
}

/**
 * The size of a manifest without gzip. The size of the file does not say it, so the file is read. 0 for a manifest
 * that is too large, missing or damaged: the task only reports it and does not decode it.
 */
async function contentBytes(storage: BackupStorage, manifest: string): Promise<number> {
  let bytes = 0;
  try {
    for await (const part of storage.read(manifest)) {
      bytes += part.length;
      if (bytes > MAX_MANIFEST_BYTES) return 0;
    }
    return bytes;
  } catch (error) {
    if (isStorageError(error, 'NOT_FOUND', 'NAME_INVALID', 'DAMAGED')) return 0;
    throw error;
  }
}
