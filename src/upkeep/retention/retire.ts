import type { PruneOrder } from '../../contract/retention-input.js';
import { forEachAtOnce } from '../../lib/at-once.js';
import {
  type BackupEntry,
  type Catalog,
  entriesOf,
  readCatalog,
  readKnownCatalog,
} from '../../repository/catalog.js';
import { withCommitLock, withUpkeepLock } from '../../repository/commit-lock.js';
import { readPins } from '../../repository/kept.js';
import type { Holder } from '../../repository/lease.js';
import { notePruned } from '../../repository/pruned.js';
import { retireLines } from '../../repository/retire-lines.js';
import { writeRetired } from '../../repository/retired.js';
import { completeCommit } from '../../repository/unit-folder.js';
import { isStored } from '../../repository/stored-file.js';
import { isStorageError } from '../../storage/storage-error.js';
import type { BackupStorage } from '../../storage/storage.js';
import { beginUpkeep } from '../begin-upkeep.js';
import { mayDelete } from '../may-delete.js';
import { sizesOf } from './describe-plan.js';
import { folderOf, kindOfEntry, lossOf, planPrune, requireNoLoss } from './plan.js';

const IN_FLIGHT = 16;
/** Backups that are retired under one hold of the commit lock: others wait that long to commit. */
const AT_ONCE = 100;

export interface UpkeepTools {
  storage: BackupStorage;
  holder: Holder;
  signal: AbortSignal;
  report: (phase: string) => void;
}

export interface RetiredPage {
  /** How many backups were retired, and their bytes. */
  count: number;
  bytes: number;
  /** There may be more to retire. */
  more: boolean;
  /** The storage does not let us delete, so metadata cannot be moved away: nothing was retired. */
  denied?: true;
}

/**
 * Retires what the rules give up: up to `most` backups. A note goes into each folder first, then the metadata line
 * goes. The data stays until gc removes it. May be killed anywhere, and called again: what is retired is no longer in
 * the catalogue, and what is not is retired then.
 * @throws PruneError PRUNE_REFUSED when the stock tool could restore less and the order does not force it; StorageError
 * STORAGE_UNFIT when the storage has no way to move metadata away
 */
export async function retirePage(
  { rules, graceMs, force }: PruneOrder,
  tools: UpkeepTools,
  most = 10 * AT_ONCE,
): Promise<RetiredPage> {
  const { storage, holder, signal, report } = tools;
  await beginUpkeep(storage);
  return withUpkeepLock(storage, holder, { signal, report }, async (upkeep) => {
    const plan = await planPrune(storage, rules, report);
    requireNoLoss(lossOf(plan.catalog, plan.damaged, plan.retire).lost, force);
    if (plan.retire.length > 0) {
      if (!(await mayDelete(storage))) return { count: 0, bytes: 0, more: false, denied: true };
      await storage.requireCanRetire();
    }
    const page = plan.retire.slice(0, most);
    const sizes = await sizesOf(storage, page.map(folderOf), report);
    const { damaged } = plan;
    let [count, bytes] = [0, 0];
    for (let at = 0; at < page.length; at += AT_ONCE) {
      await upkeep.requireHeld();
      const some = page.slice(at, at + AT_ONCE);
      const retired = await retire(some, damaged, { graceMs, force }, tools).catch(ifDenied);
      if (!retired) return { count, bytes, more: false, denied: true };
      count += retired.length;
      for (const entry of retired) bytes += sizes.get(folderOf(entry)) ?? 0;
    }
    return { count, bytes, more: plan.retire.length > page.length };
  });
}

/** Credentials that may delete data may still not delete metadata. Then every line is still there. */
function ifDenied(error: unknown): undefined {
  if (!isStorageError(error, 'DENIED')) throw error;
}

/** Returns those that were retired: not what was pinned or went away meanwhile. */
async function retire(
  entries: readonly BackupEntry[],
  damaged: ReadonlySet<string>,
  { graceMs, force }: { graceMs: number; force: boolean },
  { storage, holder, signal, report }: UpkeepTools,
): Promise<BackupEntry[]> {
  const retiredAt = Math.round(await storage.now());
  await forEachAtOnce(IN_FLIGHT, entries, async (entry) => {
    if (!(await isStored(storage, entry.manifest))) return; // without a folder there is no data to wait for
    const { source: metadata } = entry;
    report(`note that ${folderOf(entry)} is retired`);
    // Without it the folder would look like one that was never committed.
    await completeCommit(storage, folderOf(entry), metadata);
    const times = { retiredAt, notBefore: retiredAt + graceMs };
    await writeRetired(storage, entry, { why: 'retention', metadata, ...times });
  });
  return withCommitLock(storage, holder, { signal, report }, async (lock) => {
    const now = await readKnownCatalog(storage);
    const pins = await readPins(storage, entries.map(folderOf));
    const going = entries.filter((entry) => isThere(now, entry) && !pins.has(folderOf(entry)));
    requireNoLoss(lossOf(now, damaged, going).lost, force);
    const undo = await notePruned(storage, going);
    try {
      await retireLines(storage, going, { lock, report });
    } catch (error) {
      // What is not retired is not given up: a verification must miss it when it gets lost.
      if (isStorageError(error, 'DENIED') && (await areAllThere(storage, going))) await undo();
      throw error;
    }
    return going;
  });
}

async function areAllThere(
  storage: BackupStorage,
  entries: readonly BackupEntry[],
): Promise<boolean> {
  const catalog = await readCatalog(storage);
  return entries.every((entry) => isThere(catalog, entry));
}

function isThere(catalog: Catalog, entry: BackupEntry): boolean {
  const named = entriesOf(catalog, kindOfEntry(entry));
  return named.some(({ manifest }) => manifest === entry.manifest);
}
