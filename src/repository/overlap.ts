import type { MetadataLine } from '../aptos/index.js';
import { listKnownMetadata } from './known-metadata.js';
import { leftAlone, rangeOfName, readMetadataFile } from './metadata-file.js';
import type { BackupType, TargetOf } from '../contract/job.js';
import { rulesOf } from '../contract/kinds/index.js';
import { meet } from '../lib/spans.js';
import type { BackupStorage } from '../storage/storage.js';
import { BackupError } from '../errors/backup-error.js';
import { isStored } from './stored-file.js';

/** Names that the stock tool and we give to a metadata file with one line. They name the line's range. */
const ONE_LINE = /^(epoch_ending|transaction)_(\d+)-(\d+)\.meta$/;
/** Names of metadata files whose line has no range. */
const NO_RANGE = /^(state_snapshot_ver_\d+|identity|compaction_timestamps_\d+)\.meta$/;

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

/**
 * Refuses a range that overlaps another committed backup: the stock tool restores nothing from a storage with
 * overlapping backups. A metadata line whose manifest is gone does not count. Reads only files that may
 * concern the range. If a file cannot be decoded, the range in its name counts. `handles`: the metadata files, for who
 * has just listed them under the commit lock.
 * @throws BackupError RANGE_OVERLAP, RANGE_COMMITTED; StorageError DAMAGED; CatalogError
 */
export async function requireNoOverlap(
  storage: BackupStorage,
  claimed: Claimed,
  handles?: readonly string[],
): Promise<void> {
  for (const handle of handles ?? (await listKnownMetadata(storage))) {
    if (isElsewhere(handle.slice(handle.indexOf('/') + 1), claimed)) continue;
    const file = await readMetadataFile(storage, handle);
    const named = file?.undecodable === undefined ? undefined : rangeOfName(handle);
    if (named?.kind === claimed.kind && meet(named, claimed)) {
      throw leftAlone(storage, handle, file!.undecodable!);
    }
    for (const line of file?.lines ?? []) {
      const other = claimOf(line);
      if (!other || other.kind !== claimed.kind || !meet(other, claimed)) continue;
      if (other.manifest === claimed.manifest) continue; // this same unit was committed before
      if (!(await isStored(storage, other.manifest!))) continue;
      throw refused(storage, claimed, other, handle);
    }
  }
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

/** Whether the name of a metadata file shows that its line cannot overlap the range. */
function isElsewhere(name: string, { kind, first, last }: Claimed): boolean {
  if (NO_RANGE.test(name)) return true;
  const [, other, from, to] = ONE_LINE.exec(name) ?? [];
  if (from === undefined || to === undefined) return false;
  return other !== kind || !meet({ first: BigInt(from), last: BigInt(to) }, { first, last });
}

/** The range of a planned unit, so that an overlap is found before the work. Undefined for a kind that may overlap. */
export function claimOfTarget<K extends BackupType>(target: TargetOf<K>): Claimed | undefined {
  const rules = rulesOf<K>(target.type);
  return rules.inRow ? { kind: target.type, ...rules.span(target) } : undefined;
}
