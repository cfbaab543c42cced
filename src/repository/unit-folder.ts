import { createHash, randomBytes } from 'node:crypto';
import {
  AptosDataError,
  encodeMetadataLine,
  epochEndingFolderBase,
  IDENTITY_FILE,
  transactionFolderBase,
} from '../aptos/index.js';
import type { Target } from '../contract/job.js';
import { type UnitCut, rangeCountOf } from '../contract/unit.js';
import type { BackupStorage } from '../storage/storage.js';
import { isStorageError } from '../storage/storage-error.js';
import { BackupError, storageEmptied } from '../errors/backup-error.js';
import { putFile, readOwn, storedObject } from './stored-file.js';

/** Two backups with equal fields here are the same unit. The suffix of the folder is a hash of these fields. */
export interface UnitIdentity {
  genesis: string;
  /** Folder name up to the suffix, e.g. `transaction_0-`. */
  base: string;
  first: string;
  records: string;
  maxChunkSize: number;
  rootHash?: string;
  /** Made of other backups of this storage, and not from a node. */
  made?: 'consolidated';
}

export const PLAN_FILE = 'plan.json';
const COMMITTED_FILE = 'committed.json';
export const ABANDONED_FILE = 'abandoned.json';
/** The note in the folder of a backup that was retired on purpose (retired.ts). */
export const RETIRED_FILE = 'retired.json';
/** Where a consolidation keeps the proofs that it made, until it is committed. */
export const PROOFS_FILE = 'proofs.json';
const MAX_PLAN_BYTES = 64 * 1024;
/** Most suffixes that are tried. They have 16 bits, so many taken ones in a row are no coincidence. */
const MOST_TAKEN = 64;

/** The content of a folder's `plan.json`. */
interface StoredPlan extends UnitIdentity {
  rangeSize: number;
  rangeCount: number;
}

/**
 * Opens the folder of a unit, or creates it. Every attempt, process and host gets the same folder, so each finds
 * what the others have stored. The first attempt stores in `plan.json` how it cuts the unit into ranges (`cut`),
 * and all later ones use that. Skips a suffix that another unit uses.
 * @throws BackupError STORED_DAMAGED if there is no free folder name
 */
export async function openUnitFolder(
  storage: BackupStorage,
  identity: UnitIdentity,
  cut: () => Promise<{ rangeSize: number; rangeCount: number }>,
): Promise<UnitCut> {
  for (let taken = 0; taken < MOST_TAKEN; taken += 1) {
    const folder = `${identity.base}.${suffixOf(identity, taken)}`;
    if (await isAbandoned(storage, folder)) continue; // it is being removed
    let plan = await readPlan(storage, folder);
    if (!plan) {
      const content = JSON.stringify({ plan: 1, ...identity, ...(await cut()) });
      await storage.createBackup(folder);
      await putFile(storage, folder, PLAN_FILE, Buffer.from(`${content}\n`));
      plan = await readPlan(storage, folder); // ours, or that of somebody faster
    }
    if (plan && plan !== 'unreadable' && isSame(plan, identity)) {
      const { first, records } = identity;
      const { rangeSize, rangeCount } = plan;
      return { folder, first, records, rangeSize, rangeCount };
    }
  }
  throw new BackupError(
    'STORED_DAMAGED',
    `no free folder name for ${identity.base} in ${storage.description}: ${MOST_TAKEN} are taken by other backups`,
  );
}

/**
 * Writes `committed.json` into a unit's folder when its metadata line is stored. If the line is lost later, this
 * file shows it: otherwise a complete backup would look as if it had never been committed. Also removes
 * temporary files from the folder.
 */
export async function noteCommitted(
  storage: BackupStorage,
  folder: string,
  metadata: string,
): Promise<void> {
  const content = Buffer.from(`${JSON.stringify({ committed: 1, metadata })}\n`);
  // What is committed is noted, even if nobody waits for it any more.
  await putFile(storage.withSignal(undefined), folder, COMMITTED_FILE, content, { replace: true });
  await storage.removeLeftovers(folder);
}

/** Writes `committed.json` for a committed backup of ours that does not have it yet. */
export async function completeCommit(
  storage: BackupStorage,
  folder: string,
  metadata: string,
): Promise<void> {
  const isThere = async (name: string) => (await storage.stat(`${folder}/${name}`)) !== undefined;
  if (!(await isThere(PLAN_FILE)) || (await isThere(COMMITTED_FILE))) return;
  await noteCommitted(storage, folder, metadata);
}

/**
 * Checks, before a write into a unit's folder, that its plan is still there and that nobody has given the unit up.
 * @throws BackupError STORAGE_EMPTIED, UNIT_ABANDONED
 */
export async function requireOpenUnit(storage: BackupStorage, folder: string): Promise<void> {
  if (await isAbandoned(storage, folder)) {
    const why = `${folder} in ${storage.description} was given up and is being removed; a new attempt uses another folder`;
    throw new BackupError('UNIT_ABANDONED', why);
  }
  if ((await storage.stat(`${folder}/${PLAN_FILE}`)) !== undefined) return;
  throw storageEmptied(
    `${folder}/${PLAN_FILE} is gone from ${storage.description}: it was unmounted, or somebody removed the folder`,
  );
}

/** Marks a unit as given up (`abandoned.json`). From then on nobody writes into its folder or commits it. */
export async function abandonUnit(
  storage: BackupStorage,
  folder: string,
  reason: string,
): Promise<void> {
  const content = Buffer.from(`${JSON.stringify({ abandoned: 1, reason })}\n`);
  await putFile(storage, folder, ABANDONED_FILE, content);
}

/** Whether a file must be removed last from a folder. These files show that the folder is ours to remove. */
export function isLastToGo(name: string): boolean {
  return name === PLAN_FILE || name === ABANDONED_FILE || name === RETIRED_FILE;
}

/** Whether a unit was given up. Its folder is then being removed, or an earlier removal did not finish. */
export async function isAbandoned(storage: BackupStorage, folder: string): Promise<boolean> {
  return (await storage.stat(`${folder}/${ABANDONED_FILE}`)) !== undefined;
}

/** The unit of a folder, read from its plan; undefined for a folder that is not ours. */
export async function unitOfFolder(
  storage: BackupStorage,
  folder: string,
): Promise<Target | undefined> {
  const plan = await readPlan(storage, folder);
  if (!plan || plan === 'unreadable') return undefined;
  const { base, first, records } = plan;
  const [, epoch] = /^state_epoch_(\d+)_ver_\d+$/.exec(base) ?? [];
  if (epoch !== undefined) return { type: 'state_snapshot', epoch };
  const last = `${BigInt(first) + BigInt(records) - 1n}`;
  if (base === transactionFolderBase(BigInt(first))) return { type: 'transaction', first, last };
  if (base === epochEndingFolderBase(BigInt(first))) return { type: 'epoch_ending', first, last };
  return undefined;
}

/** Which of our own files a name in a backup's folder is; undefined for a file of the backup itself. */
export function ownFile(
  name: string,
): 'plan' | 'committed' | 'receipt' | 'deadly' | 'retired' | 'proofs' | 'copied' | undefined {
  if (name === RETIRED_FILE) return 'retired';
  if (name === PROOFS_FILE) return 'proofs';
  if (isLastToGo(name)) return 'plan';
  if (name === COMMITTED_FILE) return 'committed';
  if (name.endsWith('.deadly')) return 'deadly';
  if (name.endsWith('.copied')) return 'copied';
  return name.endsWith('.receipt') ? 'receipt' : undefined;
}

/** The plan of a folder; undefined if it has none, `unreadable` if the plan is damaged or of another version. */
async function readPlan(storage: BackupStorage, folder: string) {
  const bytes = await readOwn(storage, `${folder}/${PLAN_FILE}`, MAX_PLAN_BYTES);
  if (!bytes) return undefined;
  try {
    return parsePlan(bytes);
  } catch (error) {
    if (error instanceof AptosDataError) return 'unreadable' as const;
    throw error;
  }
}

function parsePlan(bytes: Uint8Array): StoredPlan {
  const fields = storedObject(bytes, PLAN_FILE);
  if (fields.count('plan') !== 1) throw fields.invalid('it is of another version');
  const rootHash = fields.optionalHash('rootHash');
  const made = fields.optional('made');
  if (made !== undefined && made !== 'consolidated') throw fields.invalid('made is not known');
  const rangeSize = fields.count('rangeSize');
  if (rangeSize === 0) throw fields.invalid('rangeSize is 0');
  const records = fields.decimal('records');
  const rangeCount = fields.count('rangeCount');
  // The numbers must fit each other: a damaged one must not make the backup shorter.
  if (rangeCount !== rangeCountOf(BigInt(records), BigInt(rangeSize))) {
    throw fields.invalid(
      `${rangeCount} ranges of ${rangeSize} are not those of ${records} records`,
    );
  }
  return {
    genesis: fields.string('genesis'),
    base: fields.string('base'),
    first: fields.decimal('first'),
    records,
    maxChunkSize: fields.count('maxChunkSize'),
    ...(rootHash === undefined ? {} : { rootHash }),
    ...(made === undefined ? {} : { made }),
    rangeSize,
    rangeCount,
  };
}

function isSame(plan: StoredPlan, identity: UnitIdentity): boolean {
  const { genesis, base, first, records, maxChunkSize, rootHash, made } = plan;
  return (
    genesis === identity.genesis &&
    base === identity.base &&
    first === identity.first &&
    records === identity.records &&
    maxChunkSize === identity.maxChunkSize &&
    rootHash === identity.rootHash &&
    made === identity.made
  );
}

/**
 * Writes an identity line into a new storage, as the stock tool does. This also shows that we can write
 * metadata, before hours of work depend on that.
 */
export async function ensureIdentity(storage: BackupStorage): Promise<void> {
  try {
    if ((await storage.listMetadata()).length > 0) return;
  } catch (error) {
    if (!isStorageError(error, 'STORAGE_MISSING')) throw error;
  }
  const line = encodeMetadataLine({ type: 'Identity', id: randomBytes(32).toString('hex') });
  try {
    await storage.saveMetadata(IDENTITY_FILE, line);
  } catch (error) {
    if (!isStorageError(error, 'EXISTS_DIFFERENT')) throw error;
  }
}

function suffixOf(identity: UnitIdentity, taken: number): string {
  const { genesis, base, first, records, maxChunkSize, rootHash, made } = identity;
  const fields = [genesis, base, first, records, maxChunkSize, rootHash ?? '', taken];
  if (made !== undefined) fields.push(made);
  return createHash('sha256').update(fields.join('\n')).digest('hex').slice(0, 4);
}
