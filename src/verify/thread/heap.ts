import { MAX_MANIFEST_BYTES } from '../../aptos/files/manifest.js';
import type { BackupStorage } from '../../storage/storage.js';
import { sizeOf } from '../stored-records.js';
import type { VerifyOrder } from './messages.js';

const MB = 1024 * 1024;
const PLAIN_MB = 96;
/** Text of a manifest and what is decoded of it, twice what was measured of one of 50 MB. */
const MB_PER_MANIFEST_MB = 4;

/**
 * The memory limit of a thread: 96 MB, and four times the largest manifest that it decodes; at most
 * 608 MB. Chunks are read as streams, whatever their size.
 */
export async function heapFor(storage: BackupStorage, task: VerifyOrder['task']): Promise<number> {
  const slices = task.kind === 'transactions' ? task.slices : [task.slice];
  let largest = 0;
  for (const manifest of new Set(slices.map((slice) => slice.manifest))) {
    largest = Math.max(largest, Number(await sizeOf(storage, manifest)));
  }
  const decoded = largest > MAX_MANIFEST_BYTES ? 0 : largest; // not read, but told
  return PLAIN_MB + Math.ceil((MB_PER_MANIFEST_MB * decoded) / MB);
}
