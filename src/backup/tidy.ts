import { forEachAtOnce } from '../at-once.js';
import { type Catalog, readCatalog } from '../catalog/catalog.js';
import type { TidyOrder, Unreferenced } from '../plan/coordinator.js';
import { type Target, targetKey } from '../plan/job.js';
import { meet } from '../plan/spans.js';
import { RESERVED } from '../storage/handles.js';
import type { BackupStorage } from '../storage/storage.js';
import { withCommitLock } from './commit-lock.js';
import type { Holder } from './lease.js';
import { abandonUnit, isAbandoned, isLastToGo, ownFile, unitOfFolder } from './unit-folder.js';

const IN_FLIGHT = 16;
const MOST_LISTED = 20;
/** Nobody works on a folder in which nothing changed for so long; hosts' clocks may differ by less. */
const ABANDONED_MS = 24 * 60 * 60_000;
/** An attempt of a unit that was given up has noticed it by then. */
const GIVEN_UP_MS = 2 * 60_000;

export interface TidyTools {
  storage: BackupStorage;
  holder: Holder;
  signal: AbortSignal;
  report: (phase: string) => void;
  /** Whether a workflow works on a unit, which may rest for days. */
  isRunning: (unit: Target) => Promise<boolean>;
}

/**
 * Looks for what no metadata line names, and removes what is ours and can never be committed any
 * more: its range is held by other backups, or its snapshot was given up or is older than one that
 * is stored. Never anything of somebody else, and nothing while metadata is damaged.
 */
export async function tidyStorage(
  order: Pick<TidyOrder, 'working' | 'givenUp'>,
  tools: TidyTools,
): Promise<Unreferenced> {
  const { storage, signal, report } = tools;
  const catalog = await readCatalog(storage, signal);
  const named = foldersOf(catalog);
  const found: Unreferenced = { folders: 0, first: [], files: 0, removed: 0, again: false };
  const folders = (await storage.listFolders(signal)).sort();
  const unnamed: string[] = [];
  await forEachAtOnce(IN_FLIGHT, folders, async (folder) => {
    signal.throwIfAborted();
    report(`look at ${folder}`);
    const { left } = await storage.removeLeftovers(folder, signal);
    found.files += left;
    if (!RESERVED.has(folder) && !named.has(folder)) unnamed.push(folder);
  });
  for (const folder of unnamed.sort()) {
    report(`look through ${folder}`);
    const unit = await unfinishedUnit(storage, folder, signal);
    const outcome = unit && (await removeIfUseless(folder, unit, catalog, order, tools));
    if (outcome === 'removed') {
      found.removed += 1;
      continue;
    }
    if (outcome === 'written to') found.again = true;
    found.folders += 1;
    if (found.first.length >= MOST_LISTED) continue;
    found.first.push({ folder, what: unit ? 'unfinished' : 'foreign' });
  }
  return found;
}

function foldersOf(catalog: Catalog): Set<string> {
  const entries = [...catalog.epochEndings, ...catalog.snapshots, ...catalog.transactions];
  return new Set(entries.map(({ manifest }) => manifest.split('/')[0]!));
}

/**
 * The unit that a folder of ours is for; undefined when it is somebody else's or was committed once.
 * `abandoned`: a removal of it was interrupted.
 */
async function unfinishedUnit(
  storage: BackupStorage,
  folder: string,
  signal: AbortSignal,
): Promise<Target | 'abandoned' | undefined> {
  if (await isAbandoned(storage, folder, signal)) return 'abandoned';
  const files = await storage.listFolder(folder, signal);
  const names = files.map(({ handle }) => handle.slice(folder.length + 1));
  if (names.some((name) => ownFile(name) === 'committed')) return undefined;
  return unitOfFolder(storage, folder, signal);
}

async function removeIfUseless(
  folder: string,
  unit: Target | 'abandoned',
  catalog: Catalog,
  { working, givenUp }: Pick<TidyOrder, 'working' | 'givenUp'>,
  tools: TidyTools,
): Promise<'removed' | 'written to' | undefined> {
  const { storage, holder, signal, report } = tools;
  if (unit === 'abandoned') {
    await removeUnit(storage, folder, signal);
    return 'removed';
  }
  if (working.includes(targetKey(unit)) || (await tools.isRunning(unit))) return undefined;
  const wasGivenUp = unit.type === 'state_snapshot' && givenUp.includes(unit.epoch);
  const reason = wasGivenUp ? 'it was given up' : whyUseless(unit, catalog);
  if (reason === undefined) return undefined;
  const quiet = async () => {
    const changed = await storage.lastChange(folder, signal);
    return changed === undefined ? Infinity : Date.now() - changed;
  };
  if ((await quiet()) < (wasGivenUp ? GIVEN_UP_MS : ABANDONED_MS)) {
    return wasGivenUp ? 'written to' : undefined;
  }
  // Whoever commits does it under the same lock, and not what is marked as abandoned.
  const marked = await withCommitLock(storage, holder, { signal, report }, async (lock) => {
    const now = await readCatalog(storage, signal);
    if (now.damaged.length > 0 || foldersOf(now).has(folder)) return false;
    if (!(await unfinishedUnit(storage, folder, signal))) return false;
    if (!wasGivenUp && whyUseless(unit, now) === undefined) return false;
    await lock.requireHeld();
    await abandonUnit(storage, folder, reason, signal);
    return true;
  });
  if (!marked) return undefined;
  await removeUnit(storage, folder, signal);
  return 'removed';
}

/** Why a unit can never be committed, or need not be. */
function whyUseless(unit: Target, catalog: Catalog): string | undefined {
  if (unit.type === 'state_snapshot') {
    const epoch = BigInt(unit.epoch);
    if (catalog.snapshots.some((s) => s.epoch === epoch)) return 'another backup of it is stored';
    const newer = catalog.snapshots.find((s) => s.epoch > epoch && epoch > 0n);
    return newer && `the snapshot of epoch ${newer.epoch} is stored`;
  }
  const wanted = { first: BigInt(unit.first), last: BigInt(unit.last) };
  const spans =
    unit.type === 'epoch_ending'
      ? catalog.epochEndings.map((e) => ({ first: e.firstEpoch, last: e.lastEpoch }))
      : catalog.transactions.map((t) => ({ first: t.firstVersion, last: t.lastVersion }));
  const held = spans.find((span) => meet(span, wanted));
  return held && `another backup has ${held.first} to ${held.last}`;
}

/** What tells whose the folder is goes last: an interrupted removal is taken up by the next one. */
async function removeUnit(
  storage: BackupStorage,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const files = (await storage.listFolder(folder, signal)).map(({ handle }) => handle);
  const rest = files.filter((handle) => !isLastToGo(handle.slice(folder.length + 1)));
  await forEachAtOnce(IN_FLIGHT, rest, (handle) => storage.removeFile(handle, signal));
  await storage.removeFolder(folder, signal);
}
