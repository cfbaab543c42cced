import type { ConsolidatedGroup } from '../../contract/consolidation.js';
import type { TransactionEntry } from '../../repository/catalog.js';
import { leftAlone, rangeOfName } from '../../repository/metadata-file.js';
import { readPins } from '../../repository/kept.js';
import { metadataAbout } from '../../repository/overlap.js';
import { folderOfManifest } from '../../repository/retired.js';
import { type Span, meet } from '../../lib/spans.js';
import { isStorageError } from '../../storage/storage-error.js';
import type { BackupStorage } from '../../storage/storage.js';
import { type Group, type LeftAlone, groupOf } from './groups.js';

/**
 * What can be done with one batch now. Reads only metadata that may concern it. Undefined: nothing.
 * @throws StorageError DAMAGED when a metadata file of its range cannot be read; CatalogError
 */
export async function readGroup(
  storage: BackupStorage,
  batch: Span,
): Promise<Group | LeftAlone | undefined> {
  const found = new Map<string, TransactionEntry>();
  for await (const { handle, file } of metadataAbout(storage, { kind: 'transaction', ...batch })) {
    const named = file.undecodable === undefined ? undefined : rangeOfName(handle);
    if (named?.kind === 'transaction' && meet(named, batch)) {
      throw leftAlone(storage, handle, file.undecodable!);
    }
    for (const line of file.lines) {
      if (line.type !== 'TransactionBackup') continue;
      if (!meet({ first: line.firstVersion, last: line.lastVersion }, batch)) continue;
      const key = `${line.firstVersion} ${line.lastVersion} ${line.manifest}`;
      const known = found.get(key);
      if (!known || handle < known.source) found.set(key, { ...line, source: handle });
    }
  }
  const group = groupOf(batch, [...found.values()].sort(inOrder));
  return group && !('why' in group) ? unlessPinned(storage, group) : group;
}

/**
 * The batch that is to be consolidated, or what is said of one with which nothing can be done. It looks at all metadata,
 * so it is not for a thread of its own: that knows nothing of what this process has read, and would read all of it anew.
 * @throws CatalogError, StorageError when the storage is away
 */
export async function groupToMake(
  storage: BackupStorage,
  batch: Span,
): Promise<{ group: Group } | { instead: ConsolidatedGroup }> {
  const found = await readGroup(storage, batch).catch(leftAsItIs);
  if (found === undefined) return { instead: { status: 'nothing to do' } };
  if ('why' in found) return { instead: { status: 'left', why: found.why } };
  return { group: found };
}

/** Metadata of the batch that nobody can read: the others go on. */
function leftAsItIs(error: unknown): { why: string } {
  if (isStorageError(error, 'DAMAGED')) return { why: error.message };
  throw error;
}

/** A pinned backup stays as it is. Where a full one is committed beside it, the overlap must go all the same. */
async function unlessPinned(storage: BackupStorage, group: Group): Promise<Group | LeftAlone> {
  if (group.whole) return group;
  const folders = group.parts.map(({ manifest }) => folderOfManifest(manifest));
  const pins = await readPins(storage, folders);
  const kept = folders.find((folder) => pins.has(folder));
  if (kept === undefined) return group;
  const { first, last } = group;
  return { first, last, why: `${kept} is pinned; take its pin away first (repository unkeep)` };
}

/** The order of the catalog. */
function inOrder(a: TransactionEntry, b: TransactionEntry): number {
  if (a.firstVersion !== b.firstVersion) return a.firstVersion < b.firstVersion ? -1 : 1;
  if (a.lastVersion !== b.lastVersion) return a.lastVersion < b.lastVersion ? -1 : 1;
  return a.manifest < b.manifest ? -1 : 1;
}
