import { createHash, randomBytes } from 'node:crypto';
import { AptosDataError } from '../aptos/errors.js';
import { IDENTITY_FILE, encodeMetadataLine } from '../aptos/files/metadata.js';
import { epochEndingFolderBase, transactionFolderBase } from '../aptos/files/names.js';
import type { Target } from '../plan/job.js';
import { type Unit, rangeCountOf } from '../plan/unit.js';
import type { BackupStorage } from '../storage/storage.js';
import { StorageError } from '../storage/errors.js';
import { BackupError } from './errors.js';
import { putFile, readOwn, storedObject } from './stored-file.js';

/** What makes two backups the same unit; the folder's suffix is derived from it. */
export interface UnitIdentity {
  genesis: string;
  /** Folder name up to the suffix, e.g. `transaction_0-`. */
  base: string;
  first: string;
  records: string;
  maxChunkSize: number;
  rootHash?: string;
}

const PLAN_FILE = 'plan.json';
const COMMITTED_FILE = 'committed.json';
const ABANDONED_FILE = 'abandoned.json';
const MAX_PLAN_BYTES = 64 * 1024;
/** Suffixes have 16 bits; so many taken ones in a row do not happen by chance. */
const MOST_TAKEN = 64;

/** What stands in the folder's `plan.json`. */
interface StoredPlan extends UnitIdentity {
  rangeSize: number;
  rangeCount: number;
}

/**
 * The folder of a unit: the same for every attempt, process and host, so that all find what the
 * others finished. The first attempt writes down how it cuts the unit into ranges, and everyone
 * after it keeps to that. A suffix that another unit has taken is passed over.
 */
export async function openUnitFolder(
  storage: BackupStorage,
  identity: UnitIdentity,
  cut: () => Promise<{ rangeSize: number; rangeCount: number }>,
  signal?: AbortSignal,
): Promise<Unit> {
  for (let taken = 0; taken < MOST_TAKEN; taken += 1) {
    const folder = `${identity.base}.${suffixOf(identity, taken)}`;
    if (await isAbandoned(storage, folder, signal)) continue; // it is being removed
    let plan = await readPlan(storage, folder, signal);
    if (!plan) {
      const content = JSON.stringify({ plan: 1, ...identity, ...(await cut()) });
      await storage.createBackup(folder, signal);
      await putFile(storage, folder, PLAN_FILE, Buffer.from(`${content}\n`), { signal });
      plan = await readPlan(storage, folder, signal); // ours, or that of somebody faster
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
    false,
  );
}

/**
 * Notes in a unit's folder that its metadata line is stored, so that a line that is lost later is
 * missed: without it a whole backup looks like one that was never committed. What is still on its way there is removed.
 */
export async function noteCommitted(
  storage: BackupStorage,
  folder: string,
  metadata: string,
  signal?: AbortSignal,
): Promise<void> {
  const content = Buffer.from(`${JSON.stringify({ committed: 1, metadata })}\n`);
  await putFile(storage, folder, COMMITTED_FILE, content, { replace: true });
  await storage.removeLeftovers(folder, signal);
}

/** The same for a backup of ours where that note is missing. */
export async function completeCommit(
  storage: BackupStorage,
  folder: string,
  metadata: string,
  signal?: AbortSignal,
): Promise<void> {
  const isThere = async (name: string) =>
    (await storage.size(`${folder}/${name}`, signal)) !== undefined;
  if (!(await isThere(PLAN_FILE)) || (await isThere(COMMITTED_FILE))) return;
  await noteCommitted(storage, folder, metadata, signal);
}

/**
 * Checks that a unit's folder is still what it was planned to be, before more is written into it.
 * @throws BackupError STORAGE_EMPTIED, UNIT_ABANDONED
 */
export async function requireOpenUnit(
  storage: BackupStorage,
  folder: string,
  signal?: AbortSignal,
): Promise<void> {
  if (await isAbandoned(storage, folder, signal)) {
    const why = `${folder} in ${storage.description} was given up and is being removed; a new attempt uses another folder`;
    throw new BackupError('UNIT_ABANDONED', why, false);
  }
  if ((await storage.size(`${folder}/${PLAN_FILE}`, signal)) !== undefined) return;
  const why = `${folder}/${PLAN_FILE} is gone from ${storage.description}: it was unmounted, or somebody removed the folder; nothing is written before it is back`;
  throw new BackupError('STORAGE_EMPTIED', why, true);
}

/** From now on nobody writes into a unit's folder or commits it. */
export async function abandonUnit(
  storage: BackupStorage,
  folder: string,
  reason: string,
  signal?: AbortSignal,
): Promise<void> {
  const content = Buffer.from(`${JSON.stringify({ abandoned: 1, reason })}\n`);
  await putFile(storage, folder, ABANDONED_FILE, content, { signal });
}

/** What is left of a folder when all else is removed: so that it is known for ours until the end. */
export function isLastToGo(name: string): boolean {
  return name === PLAN_FILE || name === ABANDONED_FILE;
}

/** Whether a folder is being removed, or was not removed to the end. */
export async function isAbandoned(
  storage: BackupStorage,
  folder: string,
  signal?: AbortSignal,
): Promise<boolean> {
  return (await storage.size(`${folder}/${ABANDONED_FILE}`, signal)) !== undefined;
}

/** The unit that a folder was made for, by its plan; undefined for a folder of somebody else. */
export async function unitOfFolder(
  storage: BackupStorage,
  folder: string,
  signal?: AbortSignal,
): Promise<Target | undefined> {
  const plan = await readPlan(storage, folder, signal);
  if (!plan || plan === 'unreadable') return undefined;
  const { base, first, records } = plan;
  const [, epoch] = /^state_epoch_(\d+)_ver_\d+$/.exec(base) ?? [];
  if (epoch !== undefined) return { type: 'state_snapshot', epoch };
  const last = `${BigInt(first) + BigInt(records) - 1n}`;
  if (base === transactionFolderBase(BigInt(first))) return { type: 'transaction', first, last };
  if (base === epochEndingFolderBase(BigInt(first))) return { type: 'epoch_ending', first, last };
  return undefined;
}

/** Which of our own files beside a backup's a name is. */
export function ownFile(name: string): 'plan' | 'committed' | 'receipt' | 'deadly' | undefined {
  if (isLastToGo(name)) return 'plan';
  if (name === COMMITTED_FILE) return 'committed';
  if (name.endsWith('.deadly')) return 'deadly';
  return name.endsWith('.receipt') ? 'receipt' : undefined;
}

/** A plan that cannot be read counts as somebody else's. */
async function readPlan(storage: BackupStorage, folder: string, signal?: AbortSignal) {
  const bytes = await readOwn(storage, `${folder}/${PLAN_FILE}`, MAX_PLAN_BYTES, signal);
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
  const rangeSize = fields.count('rangeSize');
  if (rangeSize === 0) throw fields.invalid('rangeSize is 0');
  const records = fields.decimal('records');
  const rangeCount = fields.count('rangeCount');
  // A damaged number must not make a backup shorter than what was asked for.
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
    rangeSize,
    rangeCount,
  };
}

function isSame(plan: StoredPlan, identity: UnitIdentity): boolean {
  const { genesis, base, first, records, maxChunkSize, rootHash } = plan;
  return (
    genesis === identity.genesis &&
    base === identity.base &&
    first === identity.first &&
    records === identity.records &&
    maxChunkSize === identity.maxChunkSize &&
    rootHash === identity.rootHash
  );
}

/**
 * A new storage gets an identity line first, as the stock tool writes it: proof that metadata can be
 * written, before hours of work depend on it.
 */
export async function ensureIdentity(storage: BackupStorage): Promise<void> {
  try {
    if ((await storage.listMetadata()).length > 0) return;
  } catch (error) {
    if (!(error instanceof StorageError && error.code === 'STORAGE_MISSING')) throw error;
  }
  const line = encodeMetadataLine({ type: 'Identity', id: randomBytes(32).toString('hex') });
  try {
    await storage.saveMetadata(IDENTITY_FILE, line);
  } catch (error) {
    if (!(error instanceof StorageError && error.code === 'EXISTS_DIFFERENT')) throw error;
  }
}

function suffixOf(identity: UnitIdentity, taken: number): string {
  const { genesis, base, first, records, maxChunkSize, rootHash } = identity;
  const fields = [genesis, base, first, records, maxChunkSize, rootHash ?? '', taken].join('\n');
  return createHash('sha256').update(fields).digest('hex').slice(0, 4);
}
