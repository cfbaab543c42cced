import type { GcAnswer } from '../../contract/answers/retention-answers.js';
import type { Target } from '../../contract/job.js';
import { forEachAtOnce } from '../../lib/at-once.js';
import { type Catalog, readKnownCatalog } from '../../repository/catalog.js';
import { withUpkeepLock } from '../../repository/commit-lock.js';
import { readPins } from '../../repository/kept.js';
import { prunedSpans } from '../../repository/pruned.js';
import { RESERVED } from '../../storage/handles.js';
import type { BackupStorage } from '../../storage/storage.js';
import { beginUpkeep } from '../begin-upkeep.js';
import type { UpkeepTools } from '../retention/retire.js';
import { mayDelete } from '../may-delete.js';
import { Faults, type Held, type Verdict, judge, namedFolders } from './judge.js';
import { removeAll, removeOldLeases } from './remove.js';

const IN_FLIGHT = 16;
/** Most folders that an answer lists. */
export const MOST_LISTED = 50;

export interface GcTools extends UpkeepTools {
  isRunning: (unit: Target) => Promise<boolean>;
}

export interface GcPageOrder {
  graceMs?: number | undefined;
  /** Only say what would go. */
  dryRun?: boolean;
  /** Go on behind this folder, by name. */
  after?: string | undefined;
  /** Most folders to look at. */
  most?: number;
}

/** What a page did, and the folder behind which the next one goes on. */
export type GcPage = Omit<GcAnswer, 'storage' | 'done'> & { next?: string };

const FOLDERS_OF_A_PAGE = 500;

/**
 * Removes what nobody can need from some folders of a storage, in the order of their names. May be killed anywhere, and
 * called again. A folder is marked as abandoned under the commit lock, after another look at the metadata, before
 * anything in it goes: from then on nobody commits it. Where deletes are denied nothing is marked, and that is no
 * failure.
 * @throws CatalogError when the storage lists less than is known to be there
 */
export async function gcPage(order: GcPageOrder, tools: GcTools): Promise<GcPage> {
  const { storage, holder, signal, report } = tools;
  if (storage.byNameOnly) return { ...nothing(), blocked: cannot(storage) };
  if (order.dryRun) return sweep(order, tools);
  await beginUpkeep(storage);
  return withUpkeepLock(storage, holder, { signal, report }, async (lock) => {
    const page = await sweep(order, tools);
    await lock.requireHeld();
    return page;
  });
}

async function sweep(order: GcPageOrder, tools: GcTools): Promise<GcPage> {
  const { storage } = tools;
  const { after, most = FOLDERS_OF_A_PAGE, dryRun = false } = order;
  const page = nothing();
  const catalog = await readKnownCatalog(storage);
  const folders = (await storage.listFolders()).sort().filter((name) => name > (after ?? ''));
  const [now, later] = [folders.slice(0, most), folders.slice(most)];
  if (later.length > 0) page.next = now.at(-1)!;
  if (after === undefined && !dryRun) page.leases_removed = await removeOldLeases(storage);
  if (!dryRun) await removeUnfinished(now, tools, page);
  const [damage] = catalog.damaged;
  if (damage) {
    page.blocked = `${damage.object} cannot be read, so nobody knows which folders it names; repair it, or move it out of metadata/`;
    return page;
  }
  const going = await judgeAll(now, catalog, order, tools, page);
  if (dryRun || going.length === 0) {
    count(page, going);
  } else if (await mayDelete(storage)) {
    const { removed, denied } = await removeAll(going, tools);
    count(page, removed);
    page.denied = denied;
  } else {
    page.denied = true;
  }
  return page;
}

/** Unfinished files of dead writers go from every folder. */
async function removeUnfinished(
  folders: readonly string[],
  { storage, report }: GcTools,
  page: GcPage,
): Promise<void> {
  await forEachAtOnce(IN_FLIGHT, folders, async (folder) => {
    report(`look for unfinished files in ${folder}`);
    const { removed, left } = await storage.removeLeftovers(folder);
    page.unfinished_removed += removed;
    page.unfinished_left += left;
  });
}

/** A folder that is to go. */
export interface Going {
  folder: string;
  why: string;
  bytes: number;
  /** Set when it goes because others hold the same. */
  held?: Held;
}

/** Returns the folders that are to go; notes the others. */
async function judgeAll(
  folders: readonly string[],
  catalog: Catalog,
  { graceMs }: GcPageOrder,
  { storage, report, isRunning }: GcTools,
  page: GcPage,
): Promise<Going[]> {
  const named = namedFolders(catalog);
  const unnamed = folders.filter((folder) => !RESERVED.has(folder) && !named.has(folder));
  const pinned = new Set((await readPins(storage, unnamed)).keys());
  const now = await storage.now();
  const givenUp = await prunedSpans(storage);
  const tools = { storage, catalog, faults: new Faults(storage), givenUp };
  const verdicts: Verdict[] = [];
  await forEachAtOnce(IN_FLIGHT, unnamed, async (folder, index) => {
    report(`look at ${folder}`);
    verdicts[index] = await judge(folder, { ...tools, now, graceMs, pinned, isRunning });
  });
  const going: Going[] = [];
  verdicts.forEach((verdict, index) => {
    const folder = unnamed[index]!;
    const { bytes } = verdict;
    if ('remove' in verdict) {
      const { remove: why, held } = verdict;
      going.push({ folder, why, bytes, ...(held ? { held } : {}) });
    } else if ('waitUntil' in verdict) {
      page.waiting += 1;
      page.waiting_bytes += bytes;
    } else {
      page.left_count += 1;
      if (page.left.length < MOST_LISTED) page.left.push({ folder, why: verdict.stay });
    }
  });
  return going;
}

function count(page: GcPage, going: readonly Going[]): void {
  page.removed_count += going.length;
  for (const { folder, why, bytes } of going) {
    page.removed_bytes += bytes;
    if (page.removed.length < MOST_LISTED) page.removed.push({ folder, why });
  }
}

function cannot({ description }: BackupStorage): string {
  return `${description} lists no folders and has no command that removes files, so nothing is removed; what is retired stays in its folder`;
}

export function nothing(): GcPage {
  return {
    ...{ removed: [], removed_count: 0, removed_bytes: 0 },
    ...{ waiting: 0, waiting_bytes: 0, left: [], left_count: 0 },
    ...{ unfinished_removed: 0, unfinished_left: 0, leases_removed: 0, denied: false },
  };
}
