import { AptosDataError } from '../aptos/index.js';
import type { BackupType } from '../contract/job.js';
import { encodeDigested, isIntact } from '../lib/host/own-digest.js';
import { type Span, without } from '../lib/spans.js';
import { compareU64 } from '../lib/u64.js';
import { OWN_FOLDER } from '../storage/handles.js';
import type { BackupStorage } from '../storage/storage.js';
import type { BackupEntry } from './catalog.js';
import { putFile, readOwn, storedObject } from './stored-file.js';

const PRUNED_NAME = 'pruned.json';
const PRUNED_FILE = `${OWN_FOLDER}/${PRUNED_NAME}`;
const MAX_BYTES = 1024 * 1024;
/** The newest snapshots that rules gave up. Twelve a day make as many in four years. */
const MOST_SNAPSHOTS = 20_000;

/** What keep rules gave up for good: everything below. */
interface Floors {
  epochs: bigint;
  versions: bigint;
  /** Without what was adopted from the source of a copy. */
  own: { epochs: bigint; versions: bigint };
  /** Versions of snapshots. */
  snapshots: ReadonlySet<string>;
}

/** What keep rules gave up. */
export interface GivenUp {
  epochs: Span[];
  versions: Span[];
  snapshots: ReadonlySet<string>;
}

/**
 * The epochs and versions that a keep rule gave up. Nobody misses them: a coordinator does not fetch them again, and a
 * verification does not call them missing. A damaged file gives nothing up.
 */
export async function prunedSpans(storage: BackupStorage): Promise<GivenUp> {
  const { epochs, versions, snapshots } = await readFloors(storage);
  return { epochs: below(epochs), versions: below(versions), snapshots };
}

/**
 * The same, but only what keep rules of this storage gave up, and not what those of the source of a copy did: what that
 * one still has of it, because it is pinned there, is wanted in the copy.
 */
export async function ownPrunedSpans(storage: BackupStorage): Promise<GivenUp> {
  const { own, snapshots } = await readFloors(storage);
  return { epochs: below(own.epochs), versions: below(own.versions), snapshots };
}

function below(floor: bigint): Span[] {
  return floor > 0n ? [{ first: 0n, last: floor - 1n }] : [];
}

/** Whether keep rules gave up all of a range of epochs or versions. */
export function isGivenUp({ epochs, versions }: GivenUp, kind: BackupType, span: Span): boolean {
  if (kind === 'state_snapshot') return false;
  return without([span], kind === 'transaction' ? versions : epochs).length === 0;
}

/** Remembers that backups are given up. Call it before their lines go. Returns what takes it back, if none could go. */
export async function notePruned(
  storage: BackupStorage,
  entries: readonly BackupEntry[],
): Promise<() => Promise<void>> {
  const known = await readFloors(storage);
  const snapshots = new Set(known.snapshots);
  const floors = { ...known, own: { ...known.own }, snapshots };
  for (const entry of entries) {
    if (entry.type === 'StateSnapshotBackup') snapshots.add(`${entry.version}`);
    if (entry.type === 'EpochEndingBackup') {
      floors.epochs = highest(floors.epochs, entry.lastEpoch + 1n);
      floors.own.epochs = highest(floors.own.epochs, entry.lastEpoch + 1n);
    }
    if (entry.type === 'TransactionBackup') {
      floors.versions = highest(floors.versions, entry.lastVersion + 1n);
      floors.own.versions = highest(floors.own.versions, entry.lastVersion + 1n);
    }
  }
  await writeFloors(storage, known, floors);
  return () => writeFloors(storage, floors, known);
}

/**
 * A copy of all of a storage that has given something up: nobody misses that in the copy either. `has`: whether the copy
 * holds some of it, as one does that was begun before. `locked` runs a write under the commit lock of the copy, as a
 * prune of it writes the same file.
 */
export async function adoptPruned(
  from: BackupStorage,
  to: BackupStorage,
  has: (below: Floors) => boolean,
  locked: (write: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const theirs = await readFloors(from);
  if (has(theirs) || areBelow(theirs, await readFloors(to))) return;
  await locked(async () => {
    const known = await readFloors(to);
    await writeFloors(to, known, {
      ...known,
      epochs: highest(theirs.epochs, known.epochs),
      versions: highest(theirs.versions, known.versions),
    });
  });
}

function areBelow(floors: Floors, others: Floors): boolean {
  return floors.epochs <= others.epochs && floors.versions <= others.versions;
}

function highest(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

async function writeFloors(storage: BackupStorage, known: Floors, floors: Floors): Promise<void> {
  const { own } = floors;
  const same = floors.epochs === known.epochs && floors.versions === known.versions;
  const isOwnSame = own.epochs === known.own.epochs && own.versions === known.own.versions;
  if (same && isOwnSame && floors.snapshots.size === known.snapshots.size) return;
  const content = encodeDigested({
    pruned: 1,
    epochs_from: `${floors.epochs}`,
    transactions_from: `${floors.versions}`,
    ...(own.epochs === floors.epochs ? {} : { own_epochs_from: `${own.epochs}` }),
    ...(own.versions === floors.versions ? {} : { own_transactions_from: `${own.versions}` }),
    snapshots: [...floors.snapshots]
      .map(BigInt)
      .sort(compareU64)
      .slice(-MOST_SNAPSHOTS)
      .map(String),
  });
  await storage.createBackup(OWN_FOLDER);
  await putFile(storage, OWN_FOLDER, PRUNED_NAME, content, { replace: true });
}

async function readFloors(storage: BackupStorage): Promise<Floors> {
  const bytes = await readOwn(storage, PRUNED_FILE, MAX_BYTES);
  const none = {
    ...{ epochs: 0n, versions: 0n, own: { epochs: 0n, versions: 0n } },
    snapshots: new Set<string>(),
  };
  if (!bytes || !isIntact(bytes)) return none;
  try {
    const fields = storedObject(bytes, PRUNED_NAME);
    const snapshots = fields.optional('snapshots'); // absent in files of before
    const epochs = BigInt(fields.decimal('epochs_from'));
    const versions = BigInt(fields.decimal('transactions_from'));
    const own = (name: string) => fields.optional(name) as string | undefined;
    return {
      ...{ epochs, versions },
      own: {
        epochs: BigInt(own('own_epochs_from') ?? epochs),
        versions: BigInt(own('own_transactions_from') ?? versions),
      },
      snapshots: new Set(Array.isArray(snapshots) ? snapshots.map(String) : []),
    };
  } catch (error) {
    if (error instanceof AptosDataError) return none;
    throw error;
  }
}
