import { forEachAtOnce } from '../lib/at-once.js';
import { type Catalog, entriesOf, readKnownCatalog, spanOfEntry } from '../repository/catalog.js';
import type { TidyOrder } from '../contract/coordinator-state.js';
import type { Unreferenced } from '../contract/coordinator-memory.js';
import { type Target, spanOfTarget, targetKey } from '../contract/job.js';
import { BACKUP_TYPES, rulesOf } from '../contract/kinds/index.js';
import { meet } from '../lib/spans.js';
import { RESERVED } from '../storage/handles.js';
import type { BackupStorage } from '../storage/storage.js';
import { withCommitLock } from '../repository/commit-lock.js';
import type { Holder } from '../repository/lease.js';
import { readRetired } from '../repository/retired.js';
import {
  abandonUnit,
  isAbandoned,
  isLastToGo,
  ownFile,
  unitOfFolder,
} from '../repository/unit-folder.js';

const IN_FLIGHT = 16;
const MOST_LISTED = 20;
/** A folder in which nothing changed for this long is abandoned. */
const ABANDONED_MS = 24 * 60 * 60_000;
/** After this time, the last attempt of a given-up unit has noticed it. */
const GIVEN_UP_MS = 2 * 60_000;

export interface TidyTools {
  storage: BackupStorage;
  holder: Holder;
  signal: AbortSignal;
  report: (phase: string) => void;
  /** Whether a workflow works on a unit. It may rest for days. */
  isRunning: (unit: Target) => Promise<boolean>;
}

/**
 * Lists folders that no metadata line names, and removes those of ours that can never be committed:
 * another backup holds the range, the snapshot was given up, or a newer snapshot is stored. Never removes
 * what others made, and removes nothing while metadata is damaged.
 */
export async function tidyStorage(
  order: Pick<TidyOrder, 'working' | 'givenUp'>,
  tools: TidyTools,
): Promise<Unreferenced> {
  const { storage, report } = tools;
  const found: Unreferenced = { folders: 0, first: [], files: 0, removed: 0, again: false };
  if (storage.byNameOnly) return found; // it lists no folders, and removes none
  const catalog = await readKnownCatalog(storage);
  const named = foldersOf(catalog);
  const folders = (await storage.listFolders()).sort();
  const unnamed: string[] = [];
  found.files += (await storage.removeLeftovers('')).left;
  await forEachAtOnce(IN_FLIGHT, folders, async (folder) => {
    report(`look at ${folder}`);
    const { left } = await storage.removeLeftovers(folder);
    found.files += left;
    if (!RESERVED.has(folder) && !named.has(folder)) unnamed.push(folder);
  });
  for (const folder of unnamed.sort()) {
    report(`look through ${folder}`);
    if (await readRetired(storage, folder)) continue; // it is kept for a while, and then removed
    const unit = await unfinishedUnit(storage, folder);
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
  const entries = BACKUP_TYPES.flatMap((type) => entriesOf(catalog, type));
  return new Set(entries.map(({ manifest }) => manifest.split('/')[0]!));
}

/**
 * The unit of an unfinished folder of ours. Undefined for a folder that others made or that was once
 * committed. `abandoned`: its removal was interrupted.
 */
async function unfinishedUnit(
  storage: BackupStorage,
  folder: string,
): Promise<Target | 'abandoned' | undefined> {
  if (await isAbandoned(storage, folder)) return 'abandoned';
  const files = await storage.listFolder(folder);
  const names = files.map(({ handle }) => handle.slice(folder.length + 1));
  if (names.some((name) => ownFile(name) === 'committed')) return undefined;
  return unitOfFolder(storage, folder);
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
    return removeUnit(storage, folder);
  }
  if (working.includes(targetKey(unit)) || (await tools.isRunning(unit))) return undefined;
  const wasGivenUp = givenUp.includes(targetKey(unit));
  const reason = wasGivenUp ? 'it was given up' : whyUseless(unit, catalog);
  if (reason === undefined) return undefined;
  const changed = await storage.lastChange(folder);
  const quiet = changed === undefined ? Infinity : (await storage.now()) - changed;
  if (quiet < (wasGivenUp ? GIVEN_UP_MS : ABANDONED_MS)) {
    return wasGivenUp ? 'written to' : undefined;
  }
  // Commits take the same lock, and do not commit a folder that is marked as abandoned.
  const marked = await withCommitLock(storage, holder, { signal, report }, async (lock) => {
    const now = await readKnownCatalog(storage);
    if (now.damaged.length > 0 || foldersOf(now).has(folder)) return false;
    if (!(await unfinishedUnit(storage, folder))) return false;
    if (!wasGivenUp && whyUseless(unit, now) === undefined) return false;
    await lock.requireHeld();
    await abandonUnit(storage, folder, reason);
    return true;
  });
  if (!marked) return undefined;
  return removeUnit(storage, folder);
}

/** Why a unit can never be committed, or need not be. */
function whyUseless(unit: Target, catalog: Catalog): string | undefined {
  const wanted = spanOfTarget(unit);
  const stored = entriesOf(catalog, unit.type).map(spanOfEntry);
  const held = stored.find((span) => meet(span, wanted));
  const { givesUp, counts } = rulesOf(unit.type);
  if (held) return `another backup has ${counts}s ${held.first} to ${held.last}`;
  const newer = stored.find(({ first }) => givesUp && first > wanted.last && wanted.first > 0n);
  return newer && `the one of ${counts} ${newer.first} is stored`;
}

/**
 * What tells whose the folder is goes last: an interrupted removal is taken up by the next one. Where nobody may delete,
 * the folder stays.
 */
async function removeUnit(storage: BackupStorage, folder: string): Promise<'removed' | undefined> {
  const files = (await storage.listFolder(folder)).map(({ handle }) => handle);
  const rest = files.filter((handle) => !isLastToGo(handle.slice(folder.length + 1)));
  let isAllowed = true;
  await forEachAtOnce(IN_FLIGHT, rest, async (handle) => {
    if (isAllowed && !(await storage.removeFileIfAllowed(handle))) isAllowed = false;
  });
  return isAllowed && (await storage.removeFolderIfAllowed(folder)) ? 'removed' : undefined;
}
