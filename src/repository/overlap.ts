import type { MetadataLine } from '../aptos/index.js';
import { type Catalog, entriesOf, holdersOf, readKnownOrNone, spanOfEntry } from './catalog.js';
import { type MetadataFile, leftAlone, rangeOfName, readMetadataFile } from './metadata-file.js';
import type { BackupType, TargetOf } from '../contract/job.js';
import { rulesOf } from '../contract/kinds/index.js';
import { meet } from '../lib/spans.js';
import type { BackupStorage } from '../storage/storage.js';
import { BackupError } from '../errors/backup-error.js';
import { isStored } from './stored-file.js';

/** The range of epochs or versions that a backup covers or is going to cover. Both ends are inclusive. */
export interface Claimed {
  kind: BackupType;
  first: bigint;
  last: bigint;
  /** The manifest that the metadata line names. A line with the same manifest is the same backup, so no overlap. */
  manifest?: string;
}

/** The range of a metadata line; undefined for a line without one. */
export function claimOf(line: MetadataLine): Claimed | undefined {
  switch (line.type) {
    case 'EpochEndingBackup':
      return {
        kind: 'epoch_ending',
        first: line.firstEpoch,
        last: line.lastEpoch,
        manifest: line.manifest,
      };
    case 'TransactionBackup':
      return {
        kind: 'transaction',
        first: line.firstVersion,
        last: line.lastVersion,
        manifest: line.manifest,
      };
    default:
      return undefined;
  }
}

/** The metadata files that name backups of a range, or whose names do if they cannot be read. @throws CatalogError, StorageError */
export async function* metadataAbout(
  storage: BackupStorage,
  claimed: Claimed,
): AsyncGenerator<{ handle: string; file: MetadataFile }> {
  yield* filesAbout(storage, await readKnownOrNone(storage), claimed);
}

/** What is decided by them may stay so for days, so the files themselves are read once more. */
async function* filesAbout(
  storage: BackupStorage,
  catalog: Catalog,
  claimed: Claimed,
): AsyncGenerator<{ handle: string; file: MetadataFile }> {
  for (const handle of handlesThatMeet(catalog, claimed)) {
    const file = await readMetadataFile(storage, handle);
    if (file) yield { handle, file };
  }
}

/**
 * Refuses a range that overlaps another committed backup: the stock tool restores nothing from a storage with
 * overlapping backups. A metadata line whose manifest is gone does not count. If a file cannot be decoded, the range
 * in its name counts. Returns the catalog that it has looked at. `known`: what metadata names, of somebody who has read
 * it just now and under the commit lock.
 * @throws BackupError RANGE_OVERLAP, RANGE_COMMITTED; StorageError DAMAGED; CatalogError
 */
export async function requireNoOverlap(
  storage: BackupStorage,
  claimed: Claimed,
  known?: Catalog,
): Promise<Catalog> {
  const catalog = known ?? (await readKnownOrNone(storage));
  for await (const { handle, file } of filesAbout(storage, catalog, claimed)) {
    const named = file.undecodable === undefined ? undefined : rangeOfName(handle);
    if (named?.kind === claimed.kind && meet(named, claimed)) {
      throw leftAlone(storage, handle, file.undecodable!);
    }
    for (const line of file.lines) {
      const other = claimOf(line);
      if (!other || other.kind !== claimed.kind || !meet(other, claimed)) continue;
      if (other.manifest === claimed.manifest) continue; // this same unit was committed before
      if (!(await isStored(storage, other.manifest!))) continue;
      throw refused(storage, claimed, other, handle);
    }
  }
  return catalog;
}

/** Handles of metadata files that name something of a range, or whose name does if they cannot be read. */
function handlesThatMeet(catalog: Catalog, claimed: Claimed): Set<string> {
  const entries = entriesOf(catalog, claimed.kind).filter((e) => meet(spanOfEntry(e), claimed));
  const unread = catalog.undecodable.filter((handle) => {
    const named = rangeOfName(handle);
    return named?.kind === claimed.kind && meet(named, claimed);
  });
  return new Set([...unread, ...entries.flatMap((entry) => holdersOf(catalog, entry))]);
}

function refused(storage: BackupStorage, claimed: Claimed, other: Claimed, handle: string) {
  const same = other.first === claimed.first && other.last === claimed.last;
  const range = `${claimed.kind} ${claimed.first} to ${claimed.last}`;
  return new BackupError(
    same ? 'RANGE_COMMITTED' : 'RANGE_OVERLAP',
    same
      ? `${handle} in ${storage.description} is there already and names another backup of the same range`
      : `${range} is not committed: ${handle} in ${storage.description} names a backup of ${other.first} to ${other.last}, and the stock tool restores nothing from a storage with overlapping backups`,
  );
}

/** The range of a planned unit, so that an overlap is found before the work. Undefined for a kind that may overlap. */
export function claimOfTarget<K extends BackupType>(target: TargetOf<K>): Claimed | undefined {
  const rules = rulesOf<K>(target.type);
  return rules.inRow ? { kind: target.type, ...rules.span(target) } : undefined;
}
