import type { BackupType } from '../contract/job.js';
import { BACKUP_TYPES } from '../contract/kinds/index.js';
import { forEachAtOnce } from '../lib/at-once.js';
import type { ListedFile } from '../storage/backend.js';
import { RESERVED } from '../storage/handles.js';
import type { BackupStorage } from '../storage/storage.js';
import { type Catalog, entriesOf } from './catalog.js';

const LISTINGS_IN_FLIGHT = 16;

/** A manifest that a metadata line names. */
export interface NamedManifest {
  manifest: string;
  type: BackupType;
}

/** A folder at the top of a storage, which may be that of a backup, with all files below it. */
export interface StoredFolder {
  folder: string;
  /** Empty for folder markers of buckets, and for folders that some stores still list when all in them is gone. */
  files: ListedFile[];
  /** What is below the folder, without its name. */
  names: string[];
  /** Of all files, as they are stored. */
  bytes: number;
  /** What metadata lines name in it. Undefined: no line does. */
  manifests: NamedManifest[] | undefined;
}

/** All manifests that metadata lines name, by folder. */
export function manifestsByFolder(catalog: Catalog): Map<string, NamedManifest[]> {
  const named = new Map<string, NamedManifest[]>();
  for (const type of BACKUP_TYPES) {
    for (const { manifest } of entriesOf(catalog, type)) {
      const folder = manifest.split('/')[0]!;
      const before = named.get(folder);
      if (before) before.push({ manifest, type });
      else named.set(folder, [{ manifest, type }]);
    }
  }
  return named;
}

/**
 * Lists one folder after the other, sorted by name, some at once. `index`: the place of the folder in this order.
 * Holds no more than the listings in flight. @throws StorageError, also where nothing but metadata can be listed
 */
export async function forEachFolder(
  storage: BackupStorage,
  named: ReadonlyMap<string, NamedManifest[]>,
  work: (folder: StoredFolder, index: number) => Promise<void> | void,
): Promise<void> {
  const folders = (await storage.listFolders()).filter((one) => !RESERVED.has(one)).sort();
  await forEachAtOnce(LISTINGS_IN_FLIGHT, folders, async (folder, index) => {
    const files = await storage.listFolder(folder);
    const names = files.map(({ handle }) => handle.slice(folder.length + 1));
    const bytes = files.reduce((sum, file) => sum + Number(file.bytes), 0);
    await work({ folder, files, names, bytes, manifests: named.get(folder) }, index);
  });
}
