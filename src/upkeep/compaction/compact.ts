import { BACKUP_TYPES } from '../../contract/kinds/index.js';
import type { CompactionOrder } from '../../contract/compaction-input.js';
import type { Compaction } from '../../contract/answers/compaction-answers.js';
import { forEachAtOnce } from '../../lib/at-once.js';
import { withUpkeepLock } from '../../repository/commit-lock.js';
import { METADATA, OWN_FOLDER } from '../../storage/handles.js';
import { saveAndReadBack } from '../../repository/metadata-file.js';
import { wasOtherFile } from '../../repository/retire-lines.js';
import type { BackupStorage } from '../../storage/storage.js';
import { type Group, groupLines } from './groups.js';
import type { CompactionTools } from './in-batches.js';
import type { LeftAlone } from './left-alone.js';
import { type MetadataSet, readMetadataSet } from './metadata-set.js';
import { moveAway } from './move-away.js';
import { contentOf } from './raw-lines.js';
import { type Judged, findReplaced, judge } from './replaced.js';
import { writeGroups } from './write-groups.js';

/** Most that a result names of one thing, because it travels in a payload. */
const MOST_NAMED = 20;
const LOOKS_IN_FLIGHT = 16;

/**
 * Puts the lines of many metadata files into few, as the stock tool does (docs/formats.md, Compaction), and moves files
 * away that were replaced long enough ago. One process at a time does it, over all hosts. Wherever it stops, the
 * metadata names the same backups as before, and the next run goes on.
 * @throws CatalogError when the listing lacks what was known to be there; StorageError
 */
export async function compact(order: CompactionOrder, tools: CompactionTools): Promise<Compaction> {
  const { storage, holder, signal, report } = tools;
  // Nothing is written into an empty folder or a mistyped one.
  const isEmpty = (await storage.listMetadata()).length === 0;
  if (order.dryRun || isEmpty) return tryOut(order, tools);
  await storage.requireFit();
  await storage.requireCanRetire();
  await storage.createBackup(OWN_FOLDER); // for the locks: a storage of the stock tool has none
  return withUpkeepLock(storage, holder, { signal, report }, async (upkeep) => {
    const files = await readMetadataSet(storage, report);
    const plan = await planGroups(files, order, storage);
    const written = await writeGroups(plan.groups, tools, upkeep);
    const { replaced, leftAlone } = findReplaced(files, written.there);
    const judged = judge(files, replaced, await timesOf(order, tools));
    await upkeep.requireHeld();
    await saveStamps(storage, judged.stamps);
    const end = await moveAway(judged.expired, tools, upkeep);
    return {
      ...countsOf(files, written.there, judged),
      storage: storage.description,
      dry_run: false,
      moved: end.moved,
      files_after: (await storage.listMetadata()).length,
      ...named([...plan.leftAlone, ...written.leftAlone, ...leftAlone, ...end.leftAlone]),
    };
  });
}

/** Says what a run would do, and writes nothing. @throws CatalogError when the listing is empty and should not be */
async function tryOut(order: CompactionOrder, tools: CompactionTools): Promise<Compaction> {
  const { storage, report } = tools;
  const files = await readMetadataSet(storage, report);
  const { groups, leftAlone } = await planGroups(files, order, storage);
  const found = findReplaced(files, groups);
  const judged = judge(files, found.replaced, await timesOf(order, tools));
  const moved = judged.expired.length;
  const counts = countsOf(files, groups, judged);
  return {
    ...counts,
    storage: storage.description,
    dry_run: order.dryRun,
    moved,
    files_after: files.size + counts.written + (judged.stamps ? 1 : 0) - moved,
    ...named([...leftAlone, ...found.leftAlone]),
  };
}

/** The groups, none of them under a name that other lines had before (`wasOtherFile`). */
async function planGroups(
  files: MetadataSet,
  { factors }: CompactionOrder,
  storage: BackupStorage,
): Promise<{ groups: Group[]; leftAlone: LeftAlone[] }> {
  const used = new Set<string>();
  const free = new Set<string>();
  for (;;) {
    const parts = BACKUP_TYPES.map((kind) => groupLines(files, kind, factors[kind], used));
    const groups = parts.flatMap((part) => part.groups);
    const before = used.size;
    const names = groups.filter(({ isThere, handle }) => !isThere && !free.has(handle));
    await forEachAtOnce(LOOKS_IN_FLIGHT, names, async ({ handle, lines }) => {
      const name = handle.slice(METADATA.length + 1);
      const isUsed = await wasOtherFile(storage, name, contentOf(lines));
      (isUsed ? used : free).add(handle);
    });
    if (used.size === before) {
      return { groups, leftAlone: parts.flatMap(({ leftAlone }) => leftAlone) };
    }
  }
}

async function timesOf({ removeAfterSeconds }: CompactionOrder, { now }: CompactionTools) {
  const seconds = BigInt(Math.floor((await now()) / 1000));
  return { now: seconds, removeAfter: BigInt(removeAfterSeconds) };
}

async function saveStamps(storage: BackupStorage, stamps: Judged['stamps']): Promise<void> {
  if (!stamps) return;
  await saveAndReadBack(storage, stamps.name, stamps.content);
}

function countsOf(files: MetadataSet, groups: readonly Group[], judged: Judged) {
  const written = groups.filter(({ isThere }) => !isThere);
  return {
    files_before: files.size,
    written: written.length,
    written_first: written.slice(0, MOST_NAMED).map(({ handle }) => handle),
    kept: groups.length - written.length,
    stamped: judged.stamped,
    waiting: judged.waiting.size,
  };
}

function named(leftAlone: readonly LeftAlone[]) {
  const sorted = [...leftAlone].sort((a, b) => (a.object < b.object ? -1 : 1));
  return { left_alone: sorted.slice(0, MOST_NAMED), left_alone_count: sorted.length };
}
