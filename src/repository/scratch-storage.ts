import { randomBytes } from 'node:crypto';
import { rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import type { StorageConfig } from '../contract/job.js';
import { makeMissing } from '../lib/host/make-folders.js';
import { readStorageUrl, storageUrlText } from '../lib/storage-url.js';
import type { StorageBackend } from '../storage/backend.js';
import { storageDeadlineMs, withDeadlines } from '../storage/deadlines.js';
import { METADATA, OWN_FOLDER } from '../storage/handles.js';
import { openBackend } from '../storage/registry.js';
import { StorageError } from '../storage/storage-error.js';
import { BackupStorage } from '../storage/storage.js';

/** A storage of its own in a folder of another one, to try things out. */
export interface Scratch {
  storage: BackupStorage;
  /** Removes all of it, with folders that had to be made for it. @throws StorageError when something stays */
  remove(): Promise<void>;
}

/** The folder in the scratch storage that is for whoever tries things. */
export const SCRATCH_FOLDER = 'check';

/** A storage that has folders, or prefixes. */
type Place = Exclude<StorageConfig, { command_adapter_config: string }>;

/** Makes nothing yet but, for a local folder, the folder around it. @throws StorageError */
export async function openScratch(
  settings: Place,
  open: (settings: StorageConfig) => StorageBackend = openBackend,
): Promise<Scratch> {
  const name = `aptos-backup-check-${randomBytes(4).toString('hex')}`;
  if ('local_fs_dir' in settings) return inFolder(path.resolve(settings.local_fs_dir), name, open);
  const backend = open(inBucket(settings, name));
  return { storage: new BackupStorage(backend), remove: () => removeAll(backend) };
}

async function inFolder(
  dir: string,
  name: string,
  open: (settings: StorageConfig) => StorageBackend,
): Promise<Scratch> {
  const scratch = path.join(dir, name);
  const made = await makeMissing(dir).catch((error: unknown) => {
    const why = `cannot make ${dir}: ${(error as Error).message}`;
    throw new StorageError('PLACE_UNUSABLE', '', why, { cause: error });
  });
  return {
    storage: new BackupStorage(open({ local_fs_dir: scratch })),
    async remove() {
      await rm(scratch, { recursive: true, force: true });
      if (made === undefined) return;
      for (let folder = dir; folder.startsWith(made); folder = path.dirname(folder)) {
        await rmdir(folder).catch(() => undefined); // somebody else put something there
      }
    },
  };
}

/** A prefix below that of the storage. */
function inBucket({ url: text }: { url: string }, name: string): StorageConfig {
  const url = readStorageUrl(text);
  if ('problem' in url) throw new StorageError('PATH_INVALID', '', `the storage ${url.problem}`);
  const prefix = url.prefix === '' ? name : `${url.prefix}/${name}`;
  return { url: storageUrlText({ ...url, prefix }) };
}

async function removeAll(backend: StorageBackend): Promise<void> {
  const files = withDeadlines(backend, storageDeadlineMs());
  for (const folder of [SCRATCH_FOLDER, METADATA, OWN_FOLDER]) await files.removeFolder(folder);
}
