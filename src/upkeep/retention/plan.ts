import type { BackupType } from '../../contract/job.js';
import type { PruneRules } from '../../contract/retention-input.js';
import { restorableVersions } from '../../contract/restorable-versions.js';
import { type Span, unionOf, without } from '../../lib/spans.js';
import { type BackupEntry, type Catalog, readKnownCatalog } from '../../repository/catalog.js';
import { readPins } from '../../repository/kept.js';
import { restoreSourceOf } from '../../repository/restore-source.js';
import { folderOfManifest } from '../../repository/retired.js';
import { isStorageError } from '../../storage/storage-error.js';
import type { BackupStorage } from '../../storage/storage.js';
import { PruneError } from './prune-error.js';
import { type KeepReason, hasSnapshotRule, hasTimeRule, keptSnapshots } from './rules.js';
import { type Snapshot, newestProven, snapshotFacts } from './snapshot-facts.js';

/** What keep rules retire, and what stays. */
export interface PrunePlan {
  catalog: Catalog;
  /** Snapshots first, then epoch endings and transactions, the oldest first. */
  retire: BackupEntry[];
  /** Snapshots that stay, the newest first. Empty when no rule is about snapshots. */
  kept: { snapshot: Snapshot; why: KeepReason[] }[];
  /** Times of the snapshots that go, by manifest; unix milliseconds. */
  times: Map<string, number>;
  /** Folders that only a pin keeps. */
  pinned: string[];
  /** Manifests of snapshots that cannot be used. */
  damaged: ReadonlySet<string>;
}

/**
 * Reads a storage and says what the rules retire. Never writes, but for a look at the clock of the storage, and does
 * without where nothing can be written.
 * @throws PruneError PRUNE_REFUSED when metadata cannot be read: nobody knows what it names; CatalogError
 */
export async function planPrune(
  storage: BackupStorage,
  rules: PruneRules,
  report: (phase: string) => void,
): Promise<PrunePlan> {
  const catalog = await readKnownCatalog(storage);
  requireReadable(storage, catalog);
  const below = [
    ...catalog.epochEndings.filter(endsBelow(rules.epochEndingsFrom)),
    ...catalog.transactions.filter(endsBelow(rules.transactionsFrom)),
  ];
  const judged = hasSnapshotRule(rules) ? catalog.snapshots : [];
  // An adapter is asked for each pin by itself, so only for those of backups that a rule is about.
  const folders = [...judged, ...below].map(folderOf);
  const pinned = new Set((await readPins(storage, folders)).keys());
  const snapshots = await snapshotFacts(storage, judged, { timed: hasTimeRule(rules), report });
  const proven = (await newestProven(storage, snapshots))?.manifest;
  const now = hasTimeRule(rules) ? await timeOf(storage) : undefined;
  const reasons = keptSnapshots(snapshots, rules, { proven, pinned, now });
  const goes = ({ manifest }: Snapshot) => reasons.get(manifest)!.length === 0;
  return {
    catalog,
    retire: [
      ...snapshots.filter(goes).map(({ entry }) => entry),
      ...below.filter((entry) => !pinned.has(folderOf(entry))),
    ],
    kept: snapshots
      .filter((one) => !goes(one))
      .map((snapshot) => ({ snapshot, why: reasons.get(snapshot.manifest)! }))
      .reverse(),
    times: new Map(
      snapshots.flatMap(({ manifest, at }) => (at === undefined ? [] : [[manifest, at]])),
    ),
    pinned: [
      ...snapshots
        .filter(({ manifest }) => reasons.get(manifest)!.join() === 'pinned')
        .map(folderOf),
      ...below.map(folderOf).filter((folder) => pinned.has(folder)),
    ],
    damaged: new Set(snapshots.filter(({ damaged }) => damaged).map(({ manifest }) => manifest)),
  };
}

/**
 * By the clock of the storage. A local folder shows it by a new file: where that cannot be written, because the disk is
 * full or read-only, the clock of this host does. A wrong one makes the times of snapshots unknown at most.
 */
async function timeOf(storage: BackupStorage): Promise<number> {
  try {
    return await storage.now();
  } catch (error) {
    if (!isStorageError(error, 'DENIED', 'READ_ONLY', 'NO_SPACE')) throw error;
    return Date.now();
  }
}

export function folderOf({ manifest }: { manifest: string }): string {
  return folderOfManifest(manifest);
}

/** What the stock tool restores with and without some backups, and the versions that it could no longer restore. */
export function lossOf(
  catalog: Catalog,
  damaged: ReadonlySet<string>,
  retire: readonly BackupEntry[],
) {
  const gone = new Set(retire.map(({ manifest }) => manifest));
  const staying = <E extends BackupEntry>(entries: E[]) =>
    entries.filter(({ manifest }) => !gone.has(manifest));
  // What only lies beside the metadata must not make every loss look like none.
  const whole = { ...catalog, strays: [] };
  const rest = {
    ...whole,
    epochEndings: staying(catalog.epochEndings),
    snapshots: staying(catalog.snapshots),
    transactions: staying(catalog.transactions),
  };
  const isDamaged = ({ manifest }: BackupEntry) => damaged.has(manifest);
  const before = restoreSourceOf(whole, isDamaged);
  const after = restoreSourceOf(rest, isDamaged);
  const lost = without(restorableVersions(before), restorableVersions(after));
  return { before, after, lost: lost.length > 0 ? lost : historyLost(whole, rest) };
}

/**
 * The versions of transactions and epoch endings that no staying backup holds. They count also while the stock tool can
 * restore nothing, for want of a snapshot or because of a hole: both may be filled tomorrow.
 */
function historyLost(whole: Catalog, rest: Catalog): Span[] {
  const versions = ({ firstVersion: first, lastVersion: last }: Versions) => ({ first, last });
  return unionOf([
    ...without(whole.transactions.map(versions), rest.transactions.map(versions)),
    ...without(whole.epochEndings.map(versions), rest.epochEndings.map(versions)),
  ]);
}

type Versions = { firstVersion: bigint; lastVersion: bigint };

/** @throws PruneError PRUNE_REFUSED when the stock tool could restore less, unless that is wanted */
export function requireNoLoss(lost: readonly Span[], force: boolean): void {
  const [first] = lost;
  if (!first || force) return;
  const more = lost.length > 1 ? `, and ${lost.length - 1} more runs` : '';
  throw new PruneError(
    'PRUNE_REFUSED',
    `without these backups the stock tool could no longer restore versions ${first.first} to ${first.last}${more}; nothing was retired. Change the rules, or give --force if that is wanted`,
  );
}

function requireReadable(storage: BackupStorage, { damaged }: Catalog): void {
  const [first] = damaged;
  if (!first) return;
  throw new PruneError(
    'PRUNE_REFUSED',
    `${first.object} in ${storage.description} cannot be read (${first.why}), so what it names is not known; nothing was retired. Repair it, or move it out of metadata/`,
  );
}

function endsBelow(from: string | undefined) {
  return ({ lastVersion }: { lastVersion: bigint }) =>
    from !== undefined && lastVersion < BigInt(from);
}

/** The kind of a backup, for people. */
export function kindOfEntry({ type }: BackupEntry): BackupType {
  switch (type) {
    case 'EpochEndingBackup':
      return 'epoch_ending';
    case 'StateSnapshotBackup':
      return 'state_snapshot';
    case 'TransactionBackup':
      return 'transaction';
  }
}
