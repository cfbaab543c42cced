import { BACKUP_TYPES } from '../../contract/kinds/index.js';
import { forEachAtOnce } from '../../lib/at-once.js';
import { readKnownCatalog } from '../../repository/catalog.js';
import { withCommitLock } from '../../repository/commit-lock.js';
import { readPins } from '../../repository/kept.js';
import { prunedSpans } from '../../repository/pruned.js';
import { readRetired } from '../../repository/retired.js';
import { abandonUnit, isLastToGo } from '../../repository/unit-folder.js';
import { OWN_FOLDER } from '../../storage/handles.js';
import type { BackupStorage } from '../../storage/storage.js';
import { MANIFEST_KINDS } from '../../repository/manifest-kinds.js';
import type { UpkeepTools } from '../retention/retire.js';
import type { Going } from './gc.js';
import { Faults, namedFolders, whyNeeded, whyNotHeld } from './judge.js';

const IN_FLIGHT = 16;
const LEASE = new RegExp(`^${OWN_FOLDER}/([a-z]+)-(\\d{8,15})\\.lease$`);
const MANIFESTS = new Set(BACKUP_TYPES.map((type) => MANIFEST_KINDS[type].name));

/**
 * Removes folders. Each is marked first, under the commit lock, if the metadata still does not name it. A folder that
 * cannot be removed stays marked, and the next gc goes on with it.
 */
export async function removeAll(
  going: readonly Going[],
  tools: UpkeepTools,
): Promise<{ removed: Going[]; denied: boolean }> {
  const { storage, report } = tools;
  const marked = await mark(going, tools);
  const removed: Going[] = [];
  for (const one of marked) {
    report(`remove ${one.folder}`);
    if (!(await removeFolder(storage, one.folder))) return { removed, denied: true };
    removed.push(one);
  }
  return { removed, denied: false };
}

async function mark(
  going: readonly Going[],
  { storage, holder, signal, report }: UpkeepTools,
): Promise<Going[]> {
  return withCommitLock(storage, holder, { signal, report }, async (lock) => {
    const catalog = await readKnownCatalog(storage);
    if (catalog.damaged.length > 0) return [];
    const named = namedFolders(catalog);
    const pins = await readPins(
      storage,
      going.map(({ folder }) => folder),
    );
    const givenUp = await prunedSpans(storage);
    const tools = { catalog, faults: new Faults(storage), givenUp };
    const marked: (Going | undefined)[] = [];
    await lock.requireHeld();
    await forEachAtOnce(IN_FLIGHT, going, async (one, index) => {
      const { folder, why, held } = one;
      if (named.has(folder) || pins.has(folder)) return;
      const record = await readRetired(storage, folder);
      if (record && (await whyNeeded(record, tools)) !== undefined) return;
      if (held && (await whyNotHeld(held, tools)) !== undefined) return;
      await abandonUnit(storage, folder, why);
      marked[index] = one;
    });
    return marked.filter((one) => one !== undefined);
  });
}

/**
 * The manifest goes first, so that half a backup does not look like one. What tells whose the folder is goes last. Says
 * whether all is gone.
 */
async function removeFolder(storage: BackupStorage, folder: string): Promise<boolean> {
  const names = (await storage.listFolder(folder)).map(({ handle }) =>
    handle.slice(folder.length + 1),
  );
  const remove = async (some: readonly string[]) => {
    let isAllowed = true;
    await forEachAtOnce(IN_FLIGHT, some, async (name) => {
      isAllowed &&= await storage.removeFileIfAllowed(`${folder}/${name}`);
    });
    return isAllowed;
  };
  const rest = names.filter((name) => !MANIFESTS.has(name) && !isLastToGo(name));
  if (!(await remove(names.filter((name) => MANIFESTS.has(name))))) return false;
  if (!(await remove(rest))) return false;
  return storage.removeFolderIfAllowed(folder);
}

/** Of each lease only the file with the highest number counts. Returns how many others were removed. */
export async function removeOldLeases(storage: BackupStorage): Promise<number> {
  const highest = new Map<string, number>();
  const files = (await storage.listFolder(OWN_FOLDER)).flatMap(({ handle }) => {
    const [, kind, number] = LEASE.exec(handle) ?? [];
    return kind === undefined ? [] : [{ handle, kind, number: Number(number) }];
  });
  for (const { kind, number } of files) {
    highest.set(kind, Math.max(number, highest.get(kind) ?? 0));
  }
  let removed = 0;
  for (const { handle, kind, number } of files) {
    if (number === highest.get(kind)) continue;
    if (!(await storage.removeFileIfAllowed(handle))) break;
    removed += 1;
  }
  return removed;
}
