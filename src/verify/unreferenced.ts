import { AptosDataError, MAX_MANIFEST_BYTES } from '../aptos/index.js';
import { isGivenUp, prunedSpans } from '../repository/pruned.js';
import { readRetired } from '../repository/retired.js';
import { PLAN_FILE, ownFile } from '../repository/unit-folder.js';
import {
  type BackupEntry,
  type Catalog,
  entriesOf,
  readCatalog,
  spanOfEntry,
} from '../repository/catalog.js';
import type { BackupType } from '../contract/job.js';
import { BACKUP_TYPES } from '../contract/kinds/index.js';
import { meet, without } from '../lib/spans.js';
import { StorageError } from '../storage/storage-error.js';
import type { BackupStorage } from '../storage/storage.js';
import { MANIFEST_KINDS, type Named } from '../repository/manifest-kinds.js';
import { isProvenRecord } from '../repository/proven-record.js';
import {
  type NamedManifest,
  forEachFolder,
  manifestsByFolder,
} from '../repository/stored-folders.js';
import type { Finding } from '../contract/answers/verify-answers.js';

/**
 * Finds orphans: folders that no metadata line points into, and files in other folders that no manifest names.
 * Abandoned attempts leave them. Some such folders hold a whole backup whose metadata line was lost: these become
 * findings, unless other sound backups hold all of their range (docs/formats.md, Verification). Folders of backups that
 * were retired on purpose are no orphans. @throws StorageError
 */
export async function findUnreferenced(
  storage: BackupStorage,
  catalog: Catalog,
  isDamaged: (entry: BackupEntry) => boolean,
): Promise<Unreferenced> {
  const named = manifestsByFolder(catalog);
  if (storage.byNameOnly) return nothingListed(storage, [...named.keys()]);
  const orphans: string[][] = [];
  const whole: WholeBackup[] = [];
  const files = new Map<string, { names: string[]; bytes: number }>();
  let ours = false;
  const givenUp = await prunedSpans(storage);
  await forEachFolder(storage, named, async ({ folder, names, bytes, manifests }, index) => {
    ours ||= names.includes(PLAN_FILE);
    if (manifests) {
      files.set(folder, { names, bytes });
      orphans[index] = await strayFiles(storage, folder, names, manifests);
      return;
    }
    if (names.length === 0) return;
    const retired = names.some((name) => ownFile(name) === 'retired')
      ? await readRetired(storage, folder)
      : undefined;
    if (!retired) orphans[index] = [`${folder}/`];
    // Nobody wants its range any more; or it was consolidated, and then the full batch was given up.
    const isUnwanted =
      retired?.why === 'retention' || (retired && isGivenUp(givenUp, retired.kind, retired));
    if (isUnwanted) return;
    const unnamed = await wholeBackup(storage, folder, names);
    if (unnamed) whole.push(unnamed);
  });
  const lost = await lostLines(storage, whole, isDamaged);
  return { orphans: orphans.flat(), lost, ours, files };
}

interface Unreferenced {
  /** Handles of files, and names of folders with `/` at the end. */
  orphans: string[];
  /** Whole backups whose metadata line was lost. */
  lost: Finding[];
  /** Whether our tool has written to this storage. */
  ours: boolean;
  /** By folder, for those that metadata lines point into: the file names, and the bytes of all files. */
  files: Map<string, { names: string[]; bytes: number }>;
}

/** Of a storage that lists no folders: what can be asked for by name. */
async function nothingListed(
  storage: BackupStorage,
  folders: readonly string[],
): Promise<Unreferenced> {
  const [any] = folders;
  const ours = any !== undefined && (await storage.stat(`${any}/${PLAN_FILE}`)) !== undefined;
  return { orphans: [], lost: [], ours, files: new Map() };
}

interface WholeBackup {
  manifest: string;
  why: string;
  committed: boolean;
  type: BackupType;
  /** Absent: its manifest cannot be read. */
  content?: Named;
}

async function strayFiles(
  storage: BackupStorage,
  folder: string,
  names: readonly string[],
  manifests: readonly NamedManifest[],
): Promise<string[]> {
  const known = new Set<string>(manifests.map(({ manifest }) => manifest));
  for (const { manifest, type } of manifests) {
    const content = await readManifest(storage, manifest, type);
    if (!content) return []; // a damaged manifest does not make its files strays
    for (const file of content.files) known.add(file);
  }
  return names
    .filter((name) => ownFile(name) === undefined && !isProvenRecord(name))
    .map((name) => `${folder}/${name}`)
    .filter((handle) => !known.has(handle))
    .sort();
}

/**
 * The whole backup in a folder that no metadata line names; undefined when the folder holds none. A backup of our
 * tool has a file that says whether it was committed. For one of the stock tool, `lostLines` looks whether another
 * backup holds the same range.
 */
async function wholeBackup(
  storage: BackupStorage,
  folder: string,
  names: readonly string[],
): Promise<WholeBackup | undefined> {
  const type = BACKUP_TYPES.find((one) => names.includes(MANIFEST_KINDS[one].name));
  if (type === undefined) return undefined;
  const manifest = `${folder}/${MANIFEST_KINDS[type].name}`;
  const committed = names.some((n) => ownFile(n) === 'committed' || isProvenRecord(n));
  const inWork = names.some((n) => ownFile(n) === 'plan' || ownFile(n) === 'copied');
  if (!committed && inWork) return undefined; // not yet committed
  const content = await readManifest(storage, manifest, type);
  if (committed) {
    const why =
      'it was committed, but its metadata line is gone, and no other backup has all of its range';
    return { manifest, why, committed, type, ...(content ? { content } : {}) };
  }
  const why = 'it is whole, but no metadata line names it or anything else of the same range';
  return content && { manifest, why, committed, type, content };
}

/** Findings for whole backups without a line. Reads the metadata again: a line may have come in the meantime. */
async function lostLines(
  storage: BackupStorage,
  whole: readonly WholeBackup[],
  isDamaged: (entry: BackupEntry) => boolean,
): Promise<Finding[]> {
  if (whole.length === 0) return [];
  const now = await readCatalog(storage);
  const named = new Set(
    BACKUP_TYPES.flatMap((type) => entriesOf(now, type)).map(({ manifest }) => manifest),
  );
  return whole
    .filter(({ manifest }) => !named.has(manifest))
    .filter(({ type, content, committed }) => {
      if (!content) return true;
      const { span } = content;
      const entries = entriesOf(now, type);
      // Backups that are not known to be damaged hold all of the range: then the lost line does no harm.
      const sound = entries.filter((entry) => !isDamaged(entry)).map(spanOfEntry);
      if (committed) return without([span], sound).length > 0;
      return !entries.some((entry) => meet(spanOfEntry(entry), span));
    })
    .map(({ manifest, why }) => ({ object: manifest, code: 'METADATA' as const, why }))
    .sort((a, b) => (a.object < b.object ? -1 : 1));
}

async function readManifest(
  storage: BackupStorage,
  manifest: string,
  type: BackupType,
): Promise<Named | undefined> {
  try {
    return MANIFEST_KINDS[type].read(await storage.readAll(manifest, MAX_MANIFEST_BYTES));
  } catch (error) {
    if (error instanceof AptosDataError || error instanceof StorageError) return undefined;
    throw error;
  }
}
