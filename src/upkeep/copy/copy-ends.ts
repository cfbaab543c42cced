import type { CopySettings } from '../../contract/copying.js';
import { openStorage } from '../../storage/open.js';
import type { StorageLimits } from '../../storage/limits.js';
import type { BackupStorage } from '../../storage/storage.js';

/** The two storages of a copy, opened. */
export interface CopyEnds {
  from: BackupStorage;
  to: BackupStorage;
}

/** Opens both storages. `limits` holds for each of them. */
export function openEnds(
  { from, to }: Pick<CopySettings, 'from' | 'to'>,
  signal: AbortSignal,
  limits?: StorageLimits,
): CopyEnds {
  return { from: openStorage(from, signal, limits), to: openStorage(to, signal, limits) };
}
