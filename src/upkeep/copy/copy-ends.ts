import type { CopySettings } from '../../contract/copying.js';
import { openReadable } from '../../storage/index/open-readable.js';
import { openStorage } from '../../storage/open.js';
import type { StorageLimits } from '../../storage/limits.js';
import type { BackupStorage } from '../../storage/storage.js';

/** The two storages of a copy, opened. */
export interface CopyEnds {
  from: BackupStorage;
  to: BackupStorage;
}

/**
 * Opens both storages. `limits` holds for each of them. The source may be one that lists nothing to us, if it has an
 * index. @throws StorageError
 */
export async function openEnds(
  { from, to }: Pick<CopySettings, 'from' | 'to'>,
  signal: AbortSignal,
  limits?: StorageLimits,
): Promise<CopyEnds> {
  return { from: await openReadable(from, signal, limits), to: openStorage(to, signal, limits) };
}
