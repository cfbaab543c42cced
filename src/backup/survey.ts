import { forEachAtOnce } from '../at-once.js';
import type { BackupEntry, Damage, EpochEndingEntry } from '../catalog/catalog.js';
import { type Catalog, readCatalog } from '../catalog/catalog.js';
import type { Survey, TextSpan } from '../plan/coordinator.js';
import { type Span, unionOf } from '../plan/spans.js';
import { StorageError } from '../storage/errors.js';
import type { BackupStorage } from '../storage/storage.js';
import { storageId } from '../storage/storage-id.js';
import { requireSameChain } from './chain-anchor.js';
import type { Site } from './site.js';
import { isStored } from './stored-file.js';
import type { StorageConfig } from '../plan/job.js';

const CHECKS_IN_FLIGHT = 16;
/** What a survey lists of anything; it travels in payloads. */
const MOST_LISTED = 100;
const MOST_DAMAGED_LISTED = 20;
const MOST_RUNS = 200;

/**
 * What a storage holds, from its metadata: whole runs of epochs and versions whose manifests are
 * there. A line whose manifest is missing covers nothing. Never writes; a storage that is not there
 * yet holds nothing. @throws BackupError CHAIN_MISMATCH, CatalogError, StorageError
 */
export async function surveyStorage(
  site: Site,
  config: StorageConfig,
  signal?: AbortSignal,
): Promise<Survey> {
  await requireSameChain(site, signal);
  const catalog = await readCatalogIfThere(site.storage, signal);
  const damaged: Damage[] = [...catalog.damaged];
  const sound = async <E extends BackupEntry>(entries: E[]): Promise<E[]> => {
    const there = await manifestsThere(site.storage, entries, signal);
    entries.forEach((entry, i) => {
      if (there[i]) return;
      const why = `its manifest ${entry.manifest} is missing; what it names counts as not stored`;
      damaged.push({ object: entry.source, why });
    });
    return entries.filter((_, i) => there[i]);
  };
  const epochs = await sound(catalog.epochEndings);
  const transactions = await sound(catalog.transactions);
  const snapshots = await sound(catalog.snapshots);
  const epochRuns = unionOf(epochs.map((e) => ({ first: e.firstEpoch, last: e.lastEpoch })));
  const endsAt = endOfFirstRun(epochRuns, epochs);
  const versions = unionOf(
    transactions.map((t) => ({ first: t.firstVersion, last: t.lastVersion })),
  );
  return {
    storageId: storageId(config),
    epochs: texts(epochRuns),
    versions: texts(versions),
    snapshots: newestAndGenesis(snapshots.map(({ epoch }) => epoch)),
    ...(endsAt === undefined ? {} : { epochsEndAt: `${endsAt}` }),
    damaged: damaged.slice(0, MOST_DAMAGED_LISTED),
    damagedCount: damaged.length,
    files: catalog.files,
  };
}

async function readCatalogIfThere(storage: BackupStorage, signal?: AbortSignal): Promise<Catalog> {
  try {
    return await readCatalog(storage, signal);
  } catch (error) {
    if (!(error instanceof StorageError && error.code === 'STORAGE_MISSING')) throw error;
    return { epochEndings: [], snapshots: [], transactions: [], damaged: [], files: 0 };
  }
}

async function manifestsThere(
  storage: BackupStorage,
  entries: readonly BackupEntry[],
  signal?: AbortSignal,
): Promise<boolean[]> {
  const there: boolean[] = [];
  await forEachAtOnce(CHECKS_IN_FLIGHT, entries, async ({ manifest }, index) => {
    signal?.throwIfAborted();
    there[index] = await isStored(storage, manifest);
  });
  return there;
}

/** The version at which the epochs end that are there from 0 on. */
function endOfFirstRun(runs: readonly Span[], entries: readonly EpochEndingEntry[]) {
  const [run] = runs;
  if (run?.first !== 0n) return undefined;
  return entries.find(({ lastEpoch }) => lastEpoch === run.last)?.lastVersion;
}

function newestAndGenesis(epochs: bigint[]): string[] {
  const descending = [...new Set(epochs)].sort((a, b) => (a > b ? -1 : 1));
  const newest = descending.slice(0, MOST_LISTED);
  if (descending.length > MOST_LISTED && descending.at(-1) === 0n) newest.push(0n);
  return newest.map(String);
}

/** The lowest runs: where the next hole is. More of them than this is a storage in ruins. */
function texts(runs: readonly Span[]): TextSpan[] {
  return runs
    .slice(0, MOST_RUNS)
    .map(({ first, last }) => ({ first: `${first}`, last: `${last}` }));
}
