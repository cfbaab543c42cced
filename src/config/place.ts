import { parseStorage } from '../contract/backup-input.js';
import type { StorageConfig } from '../contract/job.js';
import { pathIn } from './path-in.js';

/**
 * The storage that a text names: a URL, the YAML of a command adapter, or a folder. Paths are absolute, begin in
 * `folder`, or with `~/` in the home folder. @throws InputError
 */
export function placeIn(folder: string, text: string): StorageConfig {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return parseStorage(text);
  const file = pathIn(folder, text);
  const isAdapter = /\.ya?ml$/.test(text);
  return parseStorage(isAdapter ? { command_adapter_config: file } : { local_fs_dir: file });
}
