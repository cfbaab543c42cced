import { AptosDataError, type MetadataLine } from '../aptos/index.js';
import { encodeDigested, isIntact } from '../lib/host/own-digest.js';
import { type Span, unionOf, without } from '../lib/spans.js';
import { OWN_FOLDER } from '../storage/handles.js';
import type { BackupStorage } from '../storage/storage.js';
import { type Catalog, spanOfEntry } from './catalog/entries.js';
import { CatalogError } from './catalog-error.js';
import { CHAIN_FILE } from './chain-file.js';
import { IDENTITY, rangeOfName } from './metadata-file.js';
import { isStored, putFile, readOwn, storedObject } from './stored-file.js';

const KNOWN_NAME = 'known.json';
const KNOWN_FILE = `${OWN_FOLDER}/${KNOWN_NAME}`;
const MAX_BYTES = 1024 * 1024;
/**
 * The most runs or snapshots to remember. A healthy storage has fewer runs. The newest snapshots show well enough
 * that a listing is cut.
 */
const MOST = 200;
/** Files that show that a storage holds backups: ours, or the stock tool's. */
const SIGNS_OF_LIFE = [CHAIN_FILE, IDENTITY];

/** The backups that metadata names: epochs, versions, and the versions of snapshots. */
interface Named {
  epochs: Span[];
  versions: Span[];
  snapshots: bigint[];
}

/**
 * Checks that a catalog names all that `known` names. `known` must have been read before the listing.
 * @throws CatalogError LISTING_SHORT
 */
export async function requireAllOf(
  known: Named,
  catalog: Catalog,
  storage: BackupStorage,
): Promise<void> {
  // When the identity line is gone, too, there is no metadata at all. The check of the chain reports that.
  if (catalog.files === 0 && !(await isStored(storage, IDENTITY))) return;
  const lost = lacking(known, namedBy(catalog));
  if (isNothing(lost)) return;
  throw new CatalogError(
    'LISTING_SHORT',
    `${storage.description} no longer lists the metadata of ${describe(lost)}: we take that for an outage, so nothing is written or removed. If it was removed on purpose, remove ${KNOWN_FILE} too`,
  );
}

/** @throws CatalogError when a storage without metadata has held backups */
export async function refuseEmptyListing(storage: BackupStorage): Promise<void> {
  for (const handle of [...SIGNS_OF_LIFE, KNOWN_FILE]) {
    if ((await storage.stat(handle)) === undefined) continue;
    throw new CatalogError(
      'LISTING_EMPTY',
      `${storage.description} lists no metadata, but ${handle} is there: we take that for an outage, so nothing is done. If the backups were removed on purpose, remove ${handle} too`,
    );
  }
}

/**
 * Remembers in the storage what its metadata names, so that a listing that lacks it is recognized as an outage. Call
 * it under the commit lock. `catalog`: what was there before `lines` were written.
 */
export async function rememberMetadata(
  storage: BackupStorage,
  catalog: Catalog,
  ...lines: readonly MetadataLine[]
): Promise<void> {
  const known = (await readKnown(storage)) ?? { epochs: [], versions: [], snapshots: [] };
  const parts = [known, namedBy(catalog), linesOf(lines)];
  const snapshots = [...new Set(parts.flatMap((part) => part.snapshots))];
  const texts = (spans: Span[]) =>
    unionOf(spans)
      .slice(0, MOST)
      .map(({ first, last }) => [`${first}`, `${last}`]);
  const content = encodeDigested({
    epochs: texts(parts.flatMap(({ epochs }) => epochs)),
    versions: texts(parts.flatMap(({ versions }) => versions)),
    snapshots: snapshots
      .sort((a, b) => (a > b ? -1 : 1))
      .slice(0, MOST)
      .map(String),
  });
  await putFile(storage, OWN_FOLDER, KNOWN_NAME, content, { replace: true });
}

/** Forgets what was remembered. Call it after a line was withdrawn. The next commit remembers anew. */
export async function forgetMetadata(storage: BackupStorage): Promise<void> {
  await storage.removeFile(KNOWN_FILE);
}

/** Undefined when nothing was remembered, or the file cannot be read: then only this check is skipped. */
export async function readKnown(storage: BackupStorage): Promise<Named | undefined> {
  const bytes = await readOwn(storage, KNOWN_FILE, MAX_BYTES);
  if (!bytes || !isIntact(bytes)) return undefined;
  try {
    const fields = storedObject(bytes, KNOWN_NAME);
    const spans = (name: string): Span[] =>
      (fields.list(name) as [string, string][]).map(([first, last]) => {
        return { first: BigInt(first), last: BigInt(last) };
      });
    const snapshots = (fields.list('snapshots') as string[]).map(BigInt);
    return { epochs: spans('epochs'), versions: spans('versions'), snapshots };
  } catch (error) {
    if (error instanceof AptosDataError) return undefined;
    throw error;
  }
}

const SNAPSHOT = /^metadata\/state_snapshot_ver_(\d{1,20})\.meta$/;

/** What the lines say, and of files that cannot be read what their names say. */
function namedBy({ epochEndings, transactions, snapshots, damaged }: Catalog): Named {
  const unread = namesOf([...new Set(damaged.map(({ object }) => object))]);
  return {
    epochs: [...unread.epochs, ...epochEndings.map(spanOfEntry)],
    versions: [...unread.versions, ...transactions.map(spanOfEntry)],
    snapshots: [...unread.snapshots, ...snapshots.map(({ version }) => version)],
  };
}

/** What the names of metadata files say. The stock tool and we name them alike. */
function namesOf(handles: readonly string[]): Named {
  const named: Named = { epochs: [], versions: [], snapshots: [] };
  for (const handle of handles) {
    const range = rangeOfName(handle);
    if (range) named[range.kind === 'transaction' ? 'versions' : 'epochs'].push(range);
    const [, version] = SNAPSHOT.exec(handle) ?? [];
    if (version !== undefined) named.snapshots.push(BigInt(version));
  }
  return named;
}

function linesOf(lines: readonly MetadataLine[]): Named {
  const named: Named = { epochs: [], versions: [], snapshots: [] };
  for (const line of lines) {
    if (line.type === 'EpochEndingBackup') {
      named.epochs.push({ first: line.firstEpoch, last: line.lastEpoch });
    } else if (line.type === 'TransactionBackup') {
      named.versions.push({ first: line.firstVersion, last: line.lastVersion });
    } else if (line.type === 'StateSnapshotBackup') {
      named.snapshots.push(line.version);
    }
  }
  return named;
}

function lacking(known: Named, listed: Named): Named {
  const there = new Set(listed.snapshots);
  return {
    epochs: without(known.epochs, listed.epochs),
    versions: without(known.versions, listed.versions),
    snapshots: known.snapshots.filter((version) => !there.has(version)),
  };
}

function isNothing({ epochs, versions, snapshots }: Named): boolean {
  return epochs.length + versions.length + snapshots.length === 0;
}

/** Names the first lost backup of each kind. */
function describe({
  epochs: [epochs],
  versions: [versions],
  snapshots: [snapshot],
}: Named): string {
  const parts = [
    epochs && `epoch endings ${epochs.first} to ${epochs.last}`,
    versions && `transactions ${versions.first} to ${versions.last}`,
    snapshot !== undefined && `the state snapshot of version ${snapshot}`,
  ];
  return parts.filter((part) => typeof part === 'string').join(' and ');
}
