import { forEachAtOnce } from '../lib/at-once.js';
import {
  type BackupEntry,
  type Damage,
  type EpochEndingEntry,
  type Catalog,
  readKnownCatalog,
  spanOfEntry,
} from '../repository/catalog.js';
import { isCompacted, rangeOfName } from '../repository/metadata-file.js';
import type { Survey } from '../contract/coordinator-memory.js';
import { areAllTold, newestAndGenesis, textsOfRuns } from '../contract/listed-runs.js';
import { storedForRestore } from '../contract/restore-memory.js';
import { type Span, unionOf } from '../lib/spans.js';
import { isStorageError } from '../storage/storage-error.js';
import { requireUnderstood } from '../storage/looks.js';
import type { BackupStorage } from '../storage/storage.js';
import { storageId } from '../storage/open.js';
import { requireSameChain } from '../site/chain-anchor.js';
import type { Claimed } from '../repository/overlap.js';
import type { Site } from '../site/site.js';
import { restoreSourceOf } from '../repository/restore-source.js';
import { prunedSpans } from '../repository/pruned.js';
import { isStored } from '../repository/stored-file.js';
import { readVerifiedTimes } from '../repository/verified-times.js';
import type { StorageConfig } from '../contract/job.js';

const CHECKS_IN_FLIGHT = 16;
const MOST_DAMAGED_LISTED = 20;

/**
 * Reads from the metadata what a storage holds: runs of epochs and versions whose manifests exist. A
 * metadata line whose manifest is missing covers nothing. A file that cannot be decoded covers what its
 * name says. Never writes. A storage that does not exist yet holds nothing.
 * @throws BackupError CHAIN_MISMATCH, CatalogError, StorageError
 */
export async function surveyStorage(site: Site, config: StorageConfig): Promise<Survey> {
  await requireSameChain(site);
  const catalog = await readCatalogIfThere(site.storage);
  requireUnderstood(
    site.storage.description,
    catalog.foreign,
    catalog.files - catalog.foreign.length,
  );
  const damaged: Damage[] = [...catalog.damaged];
  const useless = new Set<BackupEntry>();
  const sound = async <E extends BackupEntry>(entries: E[]): Promise<E[]> => {
    const there = await manifestsThere(site.storage, entries);
    entries.forEach((entry, i) => {
      if (there[i]) return;
      const why = `its manifest ${entry.manifest} is missing; what it names counts as not stored`;
      damaged.push({ object: entry.source, why });
      useless.add(entry);
    });
    return entries.filter((_, i) => there[i]);
  };
  const epochs = await sound(catalog.epochEndings);
  const transactions = await sound(catalog.transactions);
  const snapshots = await sound(catalog.snapshots);
  // A backup whose file cannot be decoded keeps its range. Somebody may repair the file, and a second
  // backup of the range would overlap with it.
  const kept = (kind: Claimed['kind']) =>
    catalog.undecodable.map(rangeOfName).filter((named) => named?.kind === kind) as Claimed[];
  // What a keep rule gave up is not fetched again.
  const pruned = await prunedSpans(site.storage);
  const epochRuns = unionOf([
    ...epochs.map(spanOfEntry),
    ...kept('epoch_ending'),
    ...pruned.epochs,
  ]);
  const endsAt = endOfFirstRun(epochRuns, epochs);
  const versions = unionOf([
    ...transactions.map(spanOfEntry),
    ...kept('transaction'),
    ...pruned.versions,
  ]);
  return {
    storageId: storageId(config),
    epochs: textsOfRuns(epochRuns),
    versions: textsOfRuns(versions),
    snapshots: newestAndGenesis(snapshots.map(({ epoch }) => epoch)),
    ...(endsAt === undefined ? {} : { epochsEndAt: `${endsAt}` }),
    damaged: damaged.slice(0, MOST_DAMAGED_LISTED),
    damagedCount: damaged.length,
    files: catalog.files,
    notCompacted: catalog.files - compactedFiles(catalog),
    ...listedOf(catalog, pruned),
    verified: await readVerifiedTimes(site.storage),
    restore: storedForRestore(restoreSourceOf(catalog, (entry) => useless.has(entry))),
  };
}

/** How many files a compaction has made. */
function compactedFiles({ epochEndings, snapshots, transactions }: Catalog): number {
  const sources = [...epochEndings, ...snapshots, ...transactions].map(({ source }) => source);
  return new Set(sources.filter(isCompacted)).size;
}

/**
 * All that metadata names, whether it can be used or not: what a later listing must name again. Nothing for a
 * storage in ruins.
 */
function listedOf(
  catalog: Catalog,
  pruned: { epochs: Span[]; versions: Span[] },
): Pick<Survey, 'listed'> {
  const named = (kind: Claimed['kind']) =>
    [...catalog.undecodable, ...catalog.damaged.map(({ object }) => object)].flatMap((handle) => {
      const range = rangeOfName(handle);
      return range?.kind === kind ? [range] : [];
    });
  const epochs = unionOf([
    ...catalog.epochEndings.map((e) => ({ first: e.firstEpoch, last: e.lastEpoch })),
    ...named('epoch_ending'),
    ...pruned.epochs,
  ]);
  const versions = unionOf([
    ...catalog.transactions.map((t) => ({ first: t.firstVersion, last: t.lastVersion })),
    ...named('transaction'),
    ...pruned.versions,
  ]);
  if (!areAllTold(epochs) || !areAllTold(versions)) return {};
  return { listed: { epochs: textsOfRuns(epochs), versions: textsOfRuns(versions) } };
}

async function readCatalogIfThere(storage: BackupStorage): Promise<Catalog> {
  try {
    return await readKnownCatalog(storage);
  } catch (error) {
    if (!isStorageError(error, 'STORAGE_MISSING')) throw error;
    const none = {
      epochEndings: [],
      snapshots: [],
      transactions: [],
      damaged: [],
      foreign: [],
      undecodable: [],
    };
    return { ...none, files: 0 };
  }
}

async function manifestsThere(
  storage: BackupStorage,
  entries: readonly BackupEntry[],
): Promise<boolean[]> {
  const there: boolean[] = [];
  await forEachAtOnce(CHECKS_IN_FLIGHT, entries, async ({ manifest }, index) => {
    there[index] = await isStored(storage, manifest);
  });
  return there;
}

/** The version at which the first run of epochs ends, if that run begins with epoch 0. */
function endOfFirstRun(runs: readonly Span[], entries: readonly EpochEndingEntry[]) {
  const [run] = runs;
  if (run?.first !== 0n) return undefined;
  return entries.find(({ lastEpoch }) => lastEpoch === run.last)?.lastVersion;
}
