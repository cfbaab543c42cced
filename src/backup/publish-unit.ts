import {
  type MetadataLine,
  encodeMetadataLine,
  metadataFileName,
  parseMetadataFile,
} from '../aptos/files/metadata.js';
import { StorageError } from '../storage/errors.js';
import type { BackupStorage } from '../storage/storage.js';
import { BackupError } from './errors.js';
import { digestOf, putFile, readIfPresent } from './stored-file.js';
import { describeFile } from './receipt.js';

const MAX_METADATA_BYTES = 1024 * 1024;

/**
 * Writes a manifest. One that is there already is that of an earlier attempt which got no further:
 * without a metadata line it means nothing, so a different one is replaced.
 */
export async function publishManifest(
  storage: BackupStorage,
  folder: string,
  name: string,
  content: Uint8Array,
  signal: AbortSignal,
): Promise<string> {
  const { handle, outcome } = await putFile(storage, folder, name, content, { signal });
  if (outcome === 'created') return handle;
  const stored = await digestOf(storage, handle, signal);
  if (stored?.sha256 !== describeFile(name, content).sha256) {
    await putFile(storage, folder, name, content, { replace: true, signal });
  }
  return handle;
}

/**
 * Writes the metadata line: the commit. Returns its handle.
 * @throws BackupError RANGE_COMMITTED when a line of the same name says something else
 */
export async function publishMetadata(storage: BackupStorage, line: MetadataLine): Promise<string> {
  const name = metadataFileName(line);
  try {
    return (await storage.saveMetadata(name, encodeMetadataLine(line))).handle;
  } catch (error) {
    if (!(error instanceof StorageError && error.code === 'EXISTS_DIFFERENT')) throw error;
    const bytes = await readIfPresent(storage, `metadata/${name}`, MAX_METADATA_BYTES);
    const readable = bytes !== undefined && parseMetadataFile(bytes).errors.length === 0;
    throw new BackupError(
      'RANGE_COMMITTED',
      `metadata/${name} in ${storage.description} is there already and ` +
        (readable
          ? 'names another backup of the same range'
          : 'cannot be read (torn by a crash?); move it away and run the backup again'),
      false,
      { cause: error },
    );
  }
}
