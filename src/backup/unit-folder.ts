import { createHash, randomBytes } from 'node:crypto';
import { AptosDataError } from '../aptos/errors.js';
import { encodeMetadataLine } from '../aptos/files/metadata.js';
import type { Unit } from '../plan/unit.js';
import type { BackupStorage } from '../storage/storage.js';
import { StorageError } from '../storage/errors.js';
import { BackupError } from './errors.js';
import { putFile, readIfPresent, storedObject } from './stored-file.js';

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
    let plan = await readPlan(storage, folder, signal);
    if (!plan) {
      const content = JSON.stringify({ plan: 1, ...identity, ...(await cut()) });
      await storage.createBackup(folder);
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
 * missed: without it a whole backup looks like one that was never committed.
 */
export async function noteCommitted(
  storage: BackupStorage,
  folder: string,
  metadata: string,
): Promise<void> {
  const content = Buffer.from(`${JSON.stringify({ committed: 1, metadata })}\n`);
  await putFile(storage, folder, COMMITTED_FILE, content, { replace: true });
}

/** Which of our own files beside a backup's a name is. */
export function ownFile(name: string): 'plan' | 'committed' | 'receipt' | undefined {
  if (name === PLAN_FILE) return 'plan';
  if (name === COMMITTED_FILE) return 'committed';
  return name.endsWith('.receipt') ? 'receipt' : undefined;
}

/** A plan that cannot be read counts as somebody else's. */
async function readPlan(storage: BackupStorage, folder: string, signal?: AbortSignal) {
  const bytes = await readIfPresent(storage, `${folder}/${PLAN_FILE}`, MAX_PLAN_BYTES, signal);
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
  return {
    genesis: fields.string('genesis'),
    base: fields.string('base'),
    first: fields.decimal('first'),
    records: fields.decimal('records'),
    maxChunkSize: fields.count('maxChunkSize'),
    ...(rootHash === undefined ? {} : { rootHash }),
    rangeSize,
    rangeCount: fields.count('rangeCount'),
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
    await storage.saveMetadata('identity.meta', line);
  } catch (error) {
    if (!(error instanceof StorageError && error.code === 'EXISTS_DIFFERENT')) throw error;
  }
}

function suffixOf(identity: UnitIdentity, taken: number): string {
  const { genesis, base, first, records, maxChunkSize, rootHash } = identity;
  const fields = [genesis, base, first, records, maxChunkSize, rootHash ?? '', taken].join('\n');
  return createHash('sha256').update(fields).digest('hex').slice(0, 4);
}
