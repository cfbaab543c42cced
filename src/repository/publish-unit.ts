import { encodeMetadataLine, metadataFileName, type MetadataLine } from '../aptos/index.js';
import { forgetFile } from './catalog/known-files.js';
import { forgetMetadata } from './known-metadata.js';
import { MAX_METADATA_BYTES, leftAlone, readMetadataFile } from './metadata-file.js';
import { StorageError, isStorageError } from '../storage/storage-error.js';
import type { BackupStorage } from '../storage/storage.js';
import { BackupError } from '../errors/backup-error.js';
import { digestOf, isStored, putFile, readOwn } from './stored-file.js';
import { describeFile } from './receipt.js';

/**
 * Writes a manifest. An existing manifest comes from an attempt that did not commit. Without a metadata line it
 * counts for nothing, so a different one is replaced. `requireMay` is asked first, because our first write may have
 * hung until somebody else had committed.
 */
export async function publishManifest(
  storage: BackupStorage,
  folder: string,
  name: string,
  content: Uint8Array,
  requireMay: () => Promise<void>,
): Promise<void> {
  const { handle, outcome } = await putFile(storage, folder, name, content);
  if (outcome === 'created') return requireKept(storage, handle, content);
  const stored = await digestOf(storage, handle);
  if (stored?.sha256 !== describeFile(name, content).sha256) {
    await requireMay();
    await putFile(storage, folder, name, content, { replace: true });
    await requireKept(storage, handle, content);
  }
}

/**
 * Writes the metadata line: the commit. Returns its handle. An existing file of the same name that
 * commits nothing (torn by a crash, or naming missing manifests) is first moved to `metadata_backup`.
 * @throws BackupError RANGE_COMMITTED when it names another backup of the same range; StorageError
 * DAMAGED when it cannot be decoded
 */
export async function publishMetadata(storage: BackupStorage, line: MetadataLine): Promise<string> {
  const name = metadataFileName(line);
  const content = encodeMetadataLine(line);
  try {
    return await saveLine(storage, name, content);
  } catch (error) {
    if (!isStorageError(error, 'EXISTS_DIFFERENT')) throw error;
    const handle = `metadata/${name}`;
    if (await commitsNothing(storage, handle)) {
      await storage.retireMetadata(handle);
      await saveLine(storage, name, content);
      await forgetFile(storage, handle);
      return handle;
    }
    throw new BackupError(
      'RANGE_COMMITTED',
      `${handle} in ${storage.description} is there already and names another backup of the same range`,
      { cause: error },
    );
  }
}

/** A store has said yes to a file, and has something else. */
class NotKept extends StorageError {}

/** A line that a store has not kept whole is moved away: the stock tool cannot read any metadata beside it. */
async function saveLine(storage: BackupStorage, name: string, content: Uint8Array) {
  const { handle, outcome } = await storage.saveMetadata(name, content);
  if (outcome === 'same') return handle; // it was read
  try {
    await requireKept(storage, handle, content);
  } catch (error) {
    if (error instanceof NotKept) await storage.retireMetadata(handle).catch(() => undefined);
    throw error;
  }
  return handle;
}

/** Reads back what was written; adapters have done so themselves. @throws NotKept STORAGE_FAILED */
export async function requireKept(
  storage: BackupStorage,
  handle: string,
  content: Uint8Array,
): Promise<void> {
  if (storage.byNameOnly || (await storage.hasContent(handle, content))) return;
  const why = `${storage.description} reported success for ${handle} (${content.length} bytes), but reading it back gives something else; see whether it keeps what it is given`;
  throw new NotKept('STORAGE_FAILED', handle, why);
}

/** Removes a metadata line that must not exist, if it exists. */
export async function withdrawMetadata(storage: BackupStorage, line: MetadataLine): Promise<void> {
  const handle = `metadata/${metadataFileName(line)}`;
  const bytes = await readOwn(storage, handle, MAX_METADATA_BYTES);
  if (!bytes || Buffer.compare(bytes, encodeMetadataLine(line)) !== 0) return;
  await storage.retireMetadata(handle);
  await forgetMetadata(storage);
}

async function commitsNothing(storage: BackupStorage, handle: string): Promise<boolean> {
  const file = await readMetadataFile(storage, handle);
  if (file?.undecodable !== undefined) throw leftAlone(storage, handle, file.undecodable);
  for (const line of file?.lines ?? []) {
    if (!('manifest' in line)) return false;
    if (await isStored(storage, line.manifest)) return false;
  }
  return true;
}
