import { forEachAtOnce } from '../at-once.js';
import { AptosDataError } from '../aptos/errors.js';
import { MAX_MANIFEST_BYTES, decodeManifest } from '../aptos/files/manifest.js';
import {
  EPOCH_ENDING_MANIFEST,
  STATE_MANIFEST,
  TRANSACTION_MANIFEST,
} from '../aptos/files/names.js';
import { ownFile } from '../backup/unit-folder.js';
import { type BackupEntry, type Catalog, readCatalog } from '../catalog/catalog.js';
import type { BackupType } from '../plan/job.js';
import type { Finding } from '../plan/verify.js';
import { StorageError } from '../storage/errors.js';
import { RESERVED } from '../storage/handles.js';
import type { BackupStorage } from '../storage/storage.js';
import { isProvenRecord } from './proven-before.js';

const READS_IN_FLIGHT = 16;
const MANIFESTS: Record<string, BackupType> = {
  [EPOCH_ENDING_MANIFEST]: 'epoch_ending',
  [STATE_MANIFEST]: 'state_snapshot',
  [TRANSACTION_MANIFEST]: 'transaction',
};

type Decoded = ReturnType<typeof decodeManifest>;

/**
 * Folders that no metadata line points into, and files in the others that nothing names: what
 * abandoned attempts left. `lost` are whole backups among them whose metadata line must have been
 * there and is gone; `ours`, that our tool wrote here.
 */
export async function findUnreferenced(
  storage: BackupStorage,
  catalog: Catalog,
  signal?: AbortSignal,
): Promise<{ orphans: string[]; lost: Finding[]; ours: boolean }> {
  const named = manifestsByFolder(catalog);
  const folders = (await storage.listFolders(signal)).filter((f) => !RESERVED.has(f)).sort();
  const orphans: string[][] = [];
  const whole: { manifest: string; why: string; decoded?: Decoded }[] = [];
  let ours = false;
  await forEachAtOnce(READS_IN_FLIGHT, folders, async (folder, index) => {
    signal?.throwIfAborted();
    const names = await namesIn(storage, folder, signal);
    ours ||= names.some((name) => ownFile(name) === 'plan');
    const manifests = named.get(folder);
    if (manifests) {
      orphans[index] = await strayFiles(storage, folder, names, manifests);
      return;
    }
    orphans[index] = [`${folder}/`];
    const unnamed = await wholeBackup(storage, folder, names);
    if (unnamed) whole.push(unnamed);
  });
  return { orphans: orphans.flat(), lost: await lostLines(storage, whole, signal), ours };
}

function manifestsByFolder(catalog: Catalog) {
  const named = new Map<string, { manifest: string; type: BackupType }[]>();
  const note = (entries: BackupEntry[], type: BackupType) => {
    for (const { manifest } of entries) {
      const folder = manifest.split('/')[0]!;
      named.set(folder, [...(named.get(folder) ?? []), { manifest, type }]);
    }
  };
  note(catalog.epochEndings, 'epoch_ending');
  note(catalog.transactions, 'transaction');
  note(catalog.snapshots, 'state_snapshot');
  return named;
}

async function strayFiles(
  storage: BackupStorage,
  folder: string,
  names: readonly string[],
  manifests: { manifest: string; type: BackupType }[],
): Promise<string[]> {
  const known = new Set<string>(manifests.map(({ manifest }) => manifest));
  for (const { manifest, type } of manifests) {
    const decoded = await readManifest(storage, manifest, type);
    if (!decoded) return []; // a damaged manifest does not make its files strays
    for (const file of filesNamedBy(decoded)) known.add(file);
  }
  return names
    .filter((name) => ownFile(name) === undefined && !isProvenRecord(name))
    .map((name) => `${folder}/${name}`)
    .filter((handle) => !known.has(handle))
    .sort();
}

/**
 * A backup that ends with its manifest though no line names it. One of ours says whether it was
 * committed; for others it is told by whether anything else holds the same range.
 */
async function wholeBackup(storage: BackupStorage, folder: string, names: readonly string[]) {
  const name = names.find((n) => n in MANIFESTS);
  if (name === undefined) return undefined;
  const manifest = `${folder}/${name}`;
  const committed = names.some((n) => ownFile(n) === 'committed' || isProvenRecord(n));
  if (committed) return { manifest, why: 'it was committed, but no metadata line names it now' };
  if (names.some((n) => ownFile(n) === 'plan')) return undefined; // not yet committed
  const decoded = await readManifest(storage, manifest, MANIFESTS[name]!);
  const why = 'it is whole, but no metadata line names it or anything else of the same range';
  return decoded && { manifest, why, decoded };
}

async function namesIn(
  storage: BackupStorage,
  folder: string,
  signal?: AbortSignal,
): Promise<string[]> {
  const files = await storage.listFolder(folder, signal);
  return files.map(({ handle }) => handle.slice(folder.length + 1));
}

/** Asks the metadata again: a line may have been written while folders were read. */
async function lostLines(
  storage: BackupStorage,
  whole: { manifest: string; why: string; decoded?: Decoded }[],
  signal?: AbortSignal,
): Promise<Finding[]> {
  if (whole.length === 0) return [];
  const now = await readCatalog(storage, signal);
  const named = new Set(
    [...now.epochEndings, ...now.snapshots, ...now.transactions].map(({ manifest }) => manifest),
  );
  return whole
    .filter(({ manifest }) => !named.has(manifest))
    .filter(({ decoded }) => !decoded || !isHeld(now, decoded))
    .map(({ manifest, why }) => ({ object: manifest, code: 'METADATA' as const, why }))
    .sort((a, b) => (a.object < b.object ? -1 : 1));
}

function isHeld(catalog: Catalog, decoded: Decoded): boolean {
  if ('rootHash' in decoded) return catalog.snapshots.some((s) => s.version === decoded.version);
  if ('firstEpoch' in decoded) {
    return catalog.epochEndings.some(
      (e) => e.firstEpoch <= decoded.lastEpoch && e.lastEpoch >= decoded.firstEpoch,
    );
  }
  return catalog.transactions.some(
    (t) => t.firstVersion <= decoded.lastVersion && t.lastVersion >= decoded.firstVersion,
  );
}

async function readManifest(
  storage: BackupStorage,
  manifest: string,
  type: BackupType,
): Promise<Decoded | undefined> {
  try {
    return decodeManifest(type, await storage.readAll(manifest, MAX_MANIFEST_BYTES));
  } catch (error) {
    if (error instanceof AptosDataError || error instanceof StorageError) return undefined;
    throw error;
  }
}

function filesNamedBy(decoded: Decoded): string[] {
  if ('rootHash' in decoded) {
    return [decoded.proof, ...decoded.chunks.flatMap((chunk) => [chunk.blobs, chunk.proof])];
  }
  if ('firstEpoch' in decoded) return decoded.chunks.map((chunk) => chunk.ledgerInfos);
  return decoded.chunks.flatMap((chunk) => [chunk.transactions, chunk.proof]);
}
