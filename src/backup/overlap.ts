import { type MetadataLine, parseMetadataFile } from '../aptos/files/metadata.js';
import { MAX_METADATA_BYTES } from '../catalog/catalog.js';
import type { Target } from '../plan/job.js';
import { meet } from '../plan/spans.js';
import type { BackupStorage } from '../storage/storage.js';
import { BackupError } from './errors.js';
import { isStored, readIfPresent } from './stored-file.js';

/** Names that the stock tool and ours give to a file with one line. */
const ONE_LINE = /^(epoch_ending|transaction)_(\d+)-(\d+)\.meta$/;
const NO_RANGE = /^(state_snapshot_ver_\d+|identity|compaction_timestamps_\d+)\.meta$/;

type Kind = 'epoch_ending' | 'transaction';

/** A run of epochs or versions, to be committed or planned. */
export interface Claimed {
  kind: Kind;
  first: bigint;
  last: bigint;
  /** Of the line that is about to be written; another one with the same range is no overlap. */
  manifest?: string;
}

/** What a metadata line claims; undefined for one without a range. */
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
 * Refuses a range that another committed backup has in part, because the stock tool restores nothing
 * from a storage with overlapping backups. Lines whose manifest is gone commit nothing. Reads only
 * files that may say something about the range. @throws BackupError RANGE_OVERLAP, RANGE_COMMITTED
 */
export async function requireNoOverlap(
  storage: BackupStorage,
  claimed: Claimed,
  signal?: AbortSignal,
): Promise<void> {
  for (const handle of await storage.listMetadata(signal)) {
    if (isElsewhere(handle.slice(handle.indexOf('/') + 1), claimed)) continue;
    const bytes = await readIfPresent(storage, handle, MAX_METADATA_BYTES, signal);
    if (!bytes) continue;
    for (const line of parseMetadataFile(bytes).lines) {
      const other = claimOf(line);
      if (!other || other.kind !== claimed.kind || !meet(other, claimed)) continue;
      if (other.manifest === claimed.manifest) continue; // committed before by this same unit
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
    false,
  );
}

/** Whether a file by its name alone has nothing to say about a range. */
function isElsewhere(name: string, { kind, first, last }: Claimed): boolean {
  if (NO_RANGE.test(name)) return true;
  const [, other, from, to] = ONE_LINE.exec(name) ?? [];
  if (from === undefined || to === undefined) return false;
  return other !== kind || !meet({ first: BigInt(from), last: BigInt(to) }, { first, last });
}

/** What a unit is going to claim, which is better known before the work than after it. */
export function claimOfTarget(target: Target): Claimed | undefined {
  if (target.type === 'state_snapshot') return undefined;
  return { kind: target.type, first: BigInt(target.first), last: BigInt(target.last) };
}
