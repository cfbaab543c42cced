import { createHash } from 'node:crypto';
import { encodeMetadataLine, type MetadataLine } from '../../aptos/index.js';
import type { Latest } from '../../contract/answers/inventory-answers.js';
import type { BackupType } from '../../contract/job.js';
import { BACKUP_TYPES } from '../../contract/kinds/index.js';
import { restorable } from '../../contract/restorable.js';
import { encodeDigested } from '../../lib/host/own-digest.js';
import {
  type BackupEntry,
  type Catalog,
  entriesOf,
  holdersOf,
  readKnownCatalog,
} from '../../repository/catalog.js';
import { isWritten, storedAnchor } from '../../repository/chain-file.js';
import { restoreSourceOf } from '../../repository/restore-source.js';
import { putFile } from '../../repository/stored-file.js';
import { readVerifiedTimes } from '../../repository/verified-times.js';
import { METADATA, OWN_FOLDER } from '../../storage/handles.js';
import {
  INDEX_FILE,
  INDEX_NAME,
  type IndexedFile,
  MAX_INDEX_BYTES,
  encodeIndex,
  namesNothing,
} from '../../storage/index/metadata-index.js';
import { StorageError } from '../../storage/storage-error.js';
import type { BackupStorage } from '../../storage/storage.js';
import { factsOf } from './backup-facts.js';

export const LATEST_NAME = 'latest.json';
/** Readers ask for a file with more lines, such as one of a compaction, by its name: so the index stays small. */
const MOST_LINES = 1000;
const MOST_LOOKS = 5;

/**
 * Publishes in a storage an index of its metadata, and `latest.json`, which says what is newest. Each of the two
 * replaces the one before at once. Only what metadata lines name is in them.
 * @throws CatalogError when the listing lacks what was there before; StorageError
 */
export async function publishIndex(storage: BackupStorage): Promise<Latest> {
  if (storage.byNameOnly) {
    const why = `an index is for buckets and folders, and ${storage.description} cannot be listed; name its bucket with --storage URL`;
    throw new StorageError('STORAGE_UNFIT', INDEX_FILE, why);
  }
  await storage.requireFit();
  const { at, catalog, files } = await readMetadata(storage);
  const index = await encodeIndex({ at, files });
  if (index.length > MAX_INDEX_BYTES) {
    const why = `the index of ${storage.description} would have ${index.length} bytes, and readers take ${MAX_INDEX_BYTES}; compact the metadata first`;
    throw new StorageError('TOO_LARGE', INDEX_FILE, why);
  }
  const latest: Latest = {
    latest: 1,
    at: new Date(at).toISOString(),
    ...(await newestOf(storage, catalog)),
    metadata_files: files.size,
    ...(catalog.damaged.length > 0 ? { incomplete: true as const } : {}),
    index: INDEX_FILE,
    index_bytes: index.length,
    index_sha256: createHash('sha256').update(index).digest('hex'),
  };
  const folder = await storage.createBackup(OWN_FOLDER);
  await putFile(storage, folder, INDEX_NAME, index, { replace: true });
  await putFile(storage, folder, LATEST_NAME, encodeDigested(latest), { replace: true });
  return latest;
}

interface Read {
  at: number;
  catalog: Catalog;
  files: Map<string, IndexedFile>;
}

/**
 * Reads metadata and lists it. Somebody may compact or consolidate in between. Then the listing names files that the
 * catalogue does not know, and lacks the ones that these replace: so both are done once more.
 */
async function readMetadata(storage: BackupStorage): Promise<Read> {
  for (let look = 1; ; look += 1) {
    const at = Date.now(); // before the listing: the index is never older than it says
    const catalog = await readKnownCatalog(storage);
    const { files, unknown } = indexedFiles(catalog, await storage.listFolder(METADATA));
    if (unknown === 0 || look === MOST_LOOKS) return { at, catalog, files };
  }
}

/** Files with what the catalogue knows of them. Others are named, and readers ask for them. */
function indexedFiles(
  catalog: Catalog,
  listed: readonly { handle: string; bytes: bigint; modified?: number | undefined }[],
): { files: Map<string, IndexedFile>; unknown: number } {
  const byFile = new Map<string, BackupEntry[]>();
  for (const type of BACKUP_TYPES) {
    for (const entry of entriesOf(catalog, type)) {
      for (const handle of holdersOf(catalog, entry)) {
        const lines = byFile.get(handle);
        if (lines) lines.push(entry);
        else byFile.set(handle, [entry]);
      }
    }
  }
  const damaged = new Set(catalog.damaged.map(({ object }) => object));
  const files = new Map<string, IndexedFile>();
  let unknown = 0;
  for (const { handle, bytes, modified } of listed) {
    const name = handle.slice(METADATA.length + 1);
    if (name.includes('/')) continue; // metadata has no folders
    const lines = byFile.get(handle);
    const known = lines && lines.length <= MOST_LINES && !damaged.has(handle);
    if (!lines && !damaged.has(handle) && !namesNothing(name)) unknown += 1;
    files.set(name, {
      name,
      bytes: Number(bytes),
      ...(known ? { content: lines.map(textOf).join('') } : {}),
      ...(modified === undefined ? {} : { modified }),
    });
  }
  return { files, unknown };
}

function textOf({ source: _, ...line }: BackupEntry): string {
  return Buffer.from(encodeMetadataLine(line as MetadataLine)).toString();
}

type Newest = Pick<
  Latest,
  | 'genesis_waypoint'
  | 'epoch_ending'
  | 'transaction'
  | 'state_snapshot'
  | 'restorable'
  | 'verified_at'
>;

async function newestOf(storage: BackupStorage, catalog: Catalog): Promise<Newest> {
  const own = await storedAnchor(storage);
  const { whole } = await readVerifiedTimes(storage);
  const provenOf = async (type: BackupType, { manifest }: BackupEntry) =>
    (await factsOf(storage, type, manifest)).proven;
  const epoch = furthest(catalog.epochEndings, ({ lastEpoch }) => lastEpoch);
  const transaction = furthest(catalog.transactions, ({ lastVersion }) => lastVersion);
  const snapshot = catalog.snapshots.at(-1);
  return {
    ...(isWritten(own) ? { genesis_waypoint: own.genesis } : {}),
    ...(epoch && {
      epoch_ending: {
        epoch: `${epoch.lastEpoch}`,
        proven: await provenOf('epoch_ending', epoch),
      },
    }),
    ...(transaction && {
      transaction: {
        version: `${transaction.lastVersion}`,
        proven: await provenOf('transaction', transaction),
      },
    }),
    ...(snapshot && {
      state_snapshot: {
        epoch: `${snapshot.epoch}`,
        version: `${snapshot.version}`,
        manifest: snapshot.manifest,
        proven: await provenOf('state_snapshot', snapshot),
      },
    }),
    restorable: restorable(restoreSourceOf(catalog, () => false)),
    ...(whole === undefined ? {} : { verified_at: new Date(whole).toISOString() }),
  };
}

/** The one that reaches furthest: a smaller one may begin later and lie within it. */
function furthest<E>(entries: readonly E[], lastOf: (entry: E) => bigint): E | undefined {
  return entries.reduce<E | undefined>(
    (most, one) => (most === undefined || lastOf(one) > lastOf(most) ? one : most),
    undefined,
  );
}
