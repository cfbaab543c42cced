import path from 'node:path';
import { parseStorage } from '../contract/backup-input.js';
import type { StorageConfig } from '../contract/job.js';

/**
 * The storage that a text names: a URL, the YAML of a command adapter, or a folder. Paths are absolute, or begin in
 * `folder`. @throws InputError
 */
export function placeIn(folder: string, text: string): StorageConfig {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return parseStorage(text);
  const file = path.resolve(folder, text);
  const isAdapter = /\.ya?ml$/.test(text);
  return parseStorage(isAdapter ? { command_adapter_config: file } : { local_fs_dir: file });
}
