import { parseStorage } from '../contract/backup-input.js';
import type { StorageConfig } from '../contract/job.js';
import { pathIn } from './path-in.js';

/** Whether a text that names a storage is a URL; else it is a path. */
export function isUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
}

/**
 * The storage that a text names: a URL, the YAML of a command adapter, or a folder. Paths are absolute, begin in
 * `folder`, or with `~/` in the home folder. @throws InputError
 */
export function placeIn(folder: string, text: string): StorageConfig {
  if (isUrl(text)) return parseStorage(text);
  const file = pathIn(folder, text);
  const isAdapter = /\.ya?ml$/.test(text);
  return parseStorage(isAdapter ? { command_adapter_config: file } : { local_fs_dir: file });
}
