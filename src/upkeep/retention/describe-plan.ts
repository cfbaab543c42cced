import type { PruneAnswer, RetiredBackup } from '../../contract/answers/retention-answers.js';
import { restorable } from '../../contract/restorable.js';
import { forEachAtOnce } from '../../lib/at-once.js';
import { type BackupEntry, spanOfEntry } from '../../repository/catalog.js';
import type { BackupStorage } from '../../storage/storage.js';
import { type PrunePlan, folderOf, kindOfEntry, lossOf } from './plan.js';

const IN_FLIGHT = 16;
/** Most backups of each kind, and most runs, that an answer lists. */
const MOST_LISTED = 50;

/** A plan with sizes, for people. Lists the files of every backup that would go. */
export async function describePlan(
  storage: BackupStorage,
  plan: PrunePlan,
  graceMs: number,
  report: (phase: string) => void,
): Promise<PruneAnswer> {
  const { retire, kept, pinned, catalog, damaged } = plan;
  const sizes = await sizesOf(storage, retire.map(folderOf), report);
  const { before, after, lost } = lossOf(catalog, damaged, retire);
  const retired = retire.map((entry) => describe(entry, plan, sizes));
  const some = (['state_snapshot', 'epoch_ending', 'transaction'] as const).flatMap((kind) =>
    retired.filter((one) => one.kind === kind).slice(0, MOST_LISTED),
  );
  return {
    storage: storage.description,
    done: false,
    retired: some,
    retired_count: retired.length,
    retired_bytes: retired.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0),
    kept_snapshots: kept.slice(0, MOST_LISTED).map(({ snapshot, why }) => ({
      backup: snapshot.folder,
      epoch: `${snapshot.epoch}`,
      version: `${snapshot.version}`,
      ...atOf(snapshot.at),
      why,
    })),
    kept_snapshots_count: kept.length,
    pinned: pinned.slice(0, MOST_LISTED),
    would_lose: lost
      .slice(0, MOST_LISTED)
      .map(({ first, last }) => ({ first: `${first}`, last: `${last}` })),
    restorable_before: restorable(before),
    restorable_after: restorable(after),
    ...(await whenDataGoes(storage, graceMs)),
  };
}

/** Where nothing can be removed for good, only metadata goes. */
async function whenDataGoes(
  storage: BackupStorage,
  graceMs: number,
): Promise<Pick<PruneAnswer, 'data_from' | 'data_stays'>> {
  if (!storage.byNameOnly) {
    return { data_from: new Date((await storage.now()) + graceMs).toISOString() };
  }
  const why = `${storage.description} has no command that removes files: only metadata is moved away, and the data stays until you remove it`;
  return { data_stays: why };
}

function describe(
  entry: BackupEntry,
  { times }: PrunePlan,
  sizes: ReadonlyMap<string, number>,
): RetiredBackup {
  const { first, last } = spanOfEntry(entry);
  const bytes = sizes.get(folderOf(entry));
  return {
    backup: folderOf(entry),
    kind: kindOfEntry(entry),
    first: `${first}`,
    last: `${last}`,
    ...atOf(times.get(entry.manifest)),
    ...(bytes === undefined ? {} : { bytes }),
  };
}

function atOf(at: number | undefined): { at?: string } {
  return at === undefined ? {} : { at: new Date(at).toISOString() };
}

/** Bytes of all files of folders, as stored. Empty for a storage that lists no folders. */
export async function sizesOf(
  storage: BackupStorage,
  folders: readonly string[],
  report: (phase: string) => void,
): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  if (storage.byNameOnly) return sizes;
  await forEachAtOnce(IN_FLIGHT, folders, async (folder) => {
    report(`measure ${folder}`);
    const files = await storage.listFolder(folder);
    sizes.set(
      folder,
      files.reduce((sum, { bytes }) => sum + Number(bytes), 0),
    );
  });
  return sizes;
}
