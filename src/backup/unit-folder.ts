import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { encodeMetadataLine } from '../aptos/files/metadata.js';
import type { Unit } from '../plan/unit.js';
import type { BackupStorage } from '../storage/storage.js';
import { StorageError } from '../storage/errors.js';
import { BackupError } from './errors.js';
import { putFile, readIfPresent } from './stored-file.js';

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
const MAX_PLAN_BYTES = 64 * 1024;
/** Suffixes have 16 bits; so many taken ones in a row do not happen by chance. */
const MOST_TAKEN = 64;

const planSchema = z.object({
  plan: z.literal(1),
  genesis: z.string(),
  base: z.string(),
  first: z.string(),
  records: z.string(),
  maxChunkSize: z.number(),
  rootHash: z.string().optional(),
  rangeSize: z.number().int().positive(),
  rangeCount: z.number().int().nonnegative(),
});

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

/** A plan that cannot be read counts as somebody else's. */
async function readPlan(storage: BackupStorage, folder: string, signal?: AbortSignal) {
  const bytes = await readIfPresent(storage, `${folder}/${PLAN_FILE}`, MAX_PLAN_BYTES, signal);
  if (!bytes) return undefined;
  try {
    return planSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch {
    return 'unreadable' as const;
  }
}

function isSame(plan: z.infer<typeof planSchema>, identity: UnitIdentity): boolean {
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
