import {
  type MetadataLine,
  encodeMetadataLine,
  metadataFileName,
  parseMetadataFile,
} from '../aptos/files/metadata.js';
import { MAX_METADATA_BYTES } from '../catalog/catalog.js';
import { StorageError } from '../storage/errors.js';
import type { BackupStorage } from '../storage/storage.js';
import { BackupError } from './errors.js';
import { digestOf, isStored, putFile, readOwn } from './stored-file.js';
import { describeFile } from './receipt.js';

/**
 * Writes a manifest. One that is there already is that of an earlier attempt which got no further:
 * without a metadata line it means nothing, so a different one is replaced, when `requireMay` lets it: the
 * first write may have hung until somebody else had committed.
 */
export async function publishManifest(
  storage: BackupStorage,
  folder: string,
  name: string,
  content: Uint8Array,
  requireMay: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { handle, outcome } = await putFile(storage, folder, name, content, { signal });
  if (outcome === 'created') return;
  const stored = await digestOf(storage, handle, signal);
  if (stored?.sha256 !== describeFile(name, content).sha256) {
    await requireMay();
    await putFile(storage, folder, name, content, { replace: true, signal });
  }
}

/**
 * Writes the metadata line: the commit. Returns its handle. A file of the same name that commits
 * nothing (torn by a crash, or naming manifests that are gone) is moved to `metadata_backup` first.
 * @throws BackupError RANGE_COMMITTED when it names another backup of the same range
 */
export async function publishMetadata(
  storage: BackupStorage,
  line: MetadataLine,
  signal: AbortSignal,
): Promise<string> {
  const name = metadataFileName(line);
  const content = encodeMetadataLine(line);
  try {
    return (await storage.saveMetadata(name, content, signal)).handle;
  } catch (error) {
    if (!(error instanceof StorageError && error.code === 'EXISTS_DIFFERENT')) throw error;
    const handle = `metadata/${name}`;
    if (await commitsNothing(storage, handle)) {
      await storage.retireMetadata(handle, signal);
      return (await storage.saveMetadata(name, content, signal)).handle;
    }
    throw new BackupError(
      'RANGE_COMMITTED',
      `${handle} in ${storage.description} is there already and names another backup of the same range`,
      false,
      { cause: error },
    );
  }
}

/** Takes a line back that must not be there, if it is. */
export async function withdrawMetadata(
  storage: BackupStorage,
  line: MetadataLine,
  signal: AbortSignal,
): Promise<void> {
  const handle = `metadata/${metadataFileName(line)}`;
  const bytes = await readOwn(storage, handle, MAX_METADATA_BYTES, signal);
  if (!bytes || Buffer.compare(bytes, encodeMetadataLine(line)) !== 0) return;
  await storage.retireMetadata(handle, signal);
}

async function commitsNothing(storage: BackupStorage, handle: string): Promise<boolean> {
  const bytes = await readOwn(storage, handle, MAX_METADATA_BYTES);
  if (!bytes) return true;
  for (const line of parseMetadataFile(bytes).lines) {
    if (!('manifest' in line)) return false;
    if (await isStored(storage, line.manifest)) return false;
  }
  return true;
}
