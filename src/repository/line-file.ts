import { metadataFileName, type MetadataLine } from '../aptos/index.js';
import { METADATA } from '../storage/handles.js';
import { isStorageError } from '../storage/storage-error.js';
import type { BackupStorage } from '../storage/storage.js';
import { type MetadataFile, isCompacted, rangeOfName, readMetadataFile } from './metadata-file.js';

const SNAPSHOT = /^metadata\/state_snapshot_/;

/**
 * Reads the file that a line is written to, or the line alone from the file that a compaction has put it into.
 * `handle`: of the file that has it. Undefined when none has.
 */
export async function readLineFile(
  storage: BackupStorage,
  handle: string,
): Promise<(MetadataFile & { handle: string }) | undefined> {
  const file = await readMetadataFile(storage, handle);
  if (file) return { ...file, handle };
  const isIt = (line: MetadataLine) => `${METADATA}/${metadataFileName(line)}` === handle;
  for (const other of await listIfThere(storage)) {
    if (!isCompacted(other) || !mayHave(other, handle)) continue;
    const compacted = await readMetadataFile(storage, other);
    const lines = compacted?.lines.filter(isIt) ?? [];
    if (lines.length > 0) return { lines, errors: [], handle: other };
  }
  return undefined;
}

/** Whether the name of a file shows that it may have the line of another file. */
function mayHave(compacted: string, handle: string): boolean {
  const [range, wanted] = [rangeOfName(compacted), rangeOfName(handle)];
  if (!range || !wanted) return SNAPSHOT.test(compacted) && SNAPSHOT.test(handle);
  return range.kind === wanted.kind && range.first <= wanted.first && wanted.last <= range.last;
}

async function listIfThere(storage: BackupStorage): Promise<string[]> {
  try {
    return (await storage.listMetadata()).sort();
  } catch (error) {
    if (isStorageError(error, 'STORAGE_MISSING')) return [];
    throw error;
  }
}
