import { type StorageScheme, readStorageUrl, storageUrlText } from '../lib/storage-url.js';
import { openAzure } from './azure/open-azure.js';
import type { StorageBackend } from './backend.js';
import { openCommandAdapter } from './command/command-backend.js';
import { openGcs } from './gcs/open-gcs.js';
import { LocalBackend } from './local/local-backend.js';
import { openS3 } from './s3/open-s3.js';
import { StorageError } from './storage-error.js';

/** Names a storage: one field, which says the kind. */
export type StorageSettings =
  { local_fs_dir: string } | { url: string } | { command_adapter_config: string };

/** Opens a storage from what names it. It touches nothing, and loads no SDK before the first operation. */
type Open = (name: string) => StorageBackend;

/** What opens a bucket, by the scheme of its URL, which is checked (`readStorageUrl`): a line for each vendor. */
const BY_SCHEME: Record<StorageScheme, Open> = {
  azblob: openAzure,
  gs: openGcs,
  s3: openS3,
};

/** What opens a storage, by the field of the settings. */
const BY_FIELD: Record<string, Open> = {
  local_fs_dir: (dir) => new LocalBackend(dir),
  url: openUrl,
  command_adapter_config: openCommandAdapter,
};

/** Opens the backend that settings name. Touches nothing of it. @throws StorageError for a kind that there is not */
export function openBackend(settings: StorageSettings): StorageBackend {
  const [[field, name] = ['', '']] = Object.entries<string>(settings);
  const open = BY_FIELD[field];
  if (open) return open(name);
  const known = Object.keys(BY_FIELD).join(', ');
  const why = `this version does not have the kind of storage "${field}"; it has: ${known}`;
  throw new StorageError('PATH_INVALID', '', why);
}

function openUrl(text: string): StorageBackend {
  const url = readStorageUrl(text);
  if ('problem' in url) throw new StorageError('PATH_INVALID', '', `the storage ${url.problem}`);
  return BY_SCHEME[url.scheme](storageUrlText(url));
}
