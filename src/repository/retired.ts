import { AptosDataError } from '../aptos/index.js';
import type { BackupType } from '../contract/job.js';
import { BACKUP_TYPES } from '../contract/kinds/index.js';
import { encodeDigested, isIntact } from '../lib/host/own-digest.js';
import type { BackupStorage } from '../storage/storage.js';
import { type BackupEntry, spanOfEntry } from './catalog.js';
import { putFile, readOwn, storedObject } from './stored-file.js';
import { RETIRED_FILE } from './unit-folder.js';

const MAX_BYTES = 64 * 1024;

/**
 * Our note in the folder of a backup whose metadata line was retired on purpose: `retired.json` (docs/formats.md, Our
 * own files). It lies there and not in our own folder, which each lease lists every few seconds.
 */
export interface RetiredRecord {
  /** Handle of the manifest that the line named. */
  manifest: string;
  /** Handle of the metadata file that held the line. */
  metadata: string;
  kind: BackupType;
  /** Epochs or versions, both inclusive. */
  first: bigint;
  last: bigint;
  /** `consolidated`: a larger backup holds the same. `retention`: a keep rule gave it up. */
  why: 'consolidated' | 'retention';
  /** The manifest of the backup that holds all of it, when one does. */
  replacedBy?: string;
  /** Unix milliseconds by the storage's clock. From `notBefore` on, the folder may be removed. */
  retiredAt: number;
  notBefore: number;
}

/** What to note about a backup, besides the backup itself. */
export type Retirement = Pick<
  RetiredRecord,
  'why' | 'replacedBy' | 'metadata' | 'retiredAt' | 'notBefore'
>;

/** The folder of a backup. */
export function folderOfManifest(manifest: string): string {
  return manifest.slice(0, manifest.lastIndexOf('/'));
}

/**
 * Notes that a backup is being retired. Call it before its metadata line is moved: a note alone retires nothing, as
 * long as a line names the folder. An older note gets the new times.
 */
export async function writeRetired(
  storage: BackupStorage,
  entry: BackupEntry,
  { why, replacedBy, metadata, retiredAt, notBefore }: Retirement,
): Promise<void> {
  const { first, last } = spanOfEntry(entry);
  const content = encodeDigested({
    retired: 1,
    manifest: entry.manifest,
    metadata,
    kind: KINDS[entry.type],
    first: `${first}`,
    last: `${last}`,
    why,
    ...(replacedBy === undefined ? {} : { replaced_by: replacedBy }),
    retired_at: `${Math.ceil(retiredAt)}`, // clocks of storages give fractions
    not_before: `${Math.ceil(notBefore)}`,
  });
  const folder = folderOfManifest(entry.manifest);
  await putFile(storage, folder, RETIRED_FILE, content, { replace: true });
}

const KINDS: Record<BackupEntry['type'], BackupType> = {
  EpochEndingBackup: 'epoch_ending',
  StateSnapshotBackup: 'state_snapshot',
  TransactionBackup: 'transaction',
};

/** The note in a folder. Undefined when there is none, or it is damaged or about another folder. */
export async function readRetired(
  storage: BackupStorage,
  folder: string,
): Promise<RetiredRecord | undefined> {
  const bytes = await readOwn(storage, `${folder}/${RETIRED_FILE}`, MAX_BYTES);
  if (!bytes || !isIntact(bytes)) return undefined;
  try {
    const record = parse(bytes);
    return record && folderOfManifest(record.manifest) === folder ? record : undefined;
  } catch (error) {
    if (error instanceof AptosDataError) return undefined;
    throw error;
  }
}

function parse(bytes: Uint8Array): RetiredRecord | undefined {
  const fields = storedObject(bytes, RETIRED_FILE);
  if (fields.count('retired') !== 1) return undefined;
  const [named, why] = [fields.string('kind'), fields.string('why')];
  const kind = BACKUP_TYPES.find((type) => type === named);
  if (kind === undefined || (why !== 'consolidated' && why !== 'retention')) return undefined;
  const replacedBy = fields.optional('replaced_by');
  return {
    manifest: fields.string('manifest'),
    metadata: fields.string('metadata'),
    kind,
    first: BigInt(fields.decimal('first')),
    last: BigInt(fields.decimal('last')),
    why,
    ...(typeof replacedBy === 'string' ? { replacedBy } : {}),
    retiredAt: Number(fields.decimal('retired_at')),
    notBefore: Number(fields.decimal('not_before')),
  };
}
