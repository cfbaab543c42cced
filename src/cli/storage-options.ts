import path from 'node:path';
import { type Command, Option } from 'commander';
import { UsageError } from '../client/command-failure.js';
import { isUrl, placeIn } from '../config/place.js';
import { parseStorage } from '../contract/backup-input.js';
import type { StorageConfig } from '../contract/job.js';

/** The flags that name a storage, as keys of parsed flags. */
export const STORAGE_FLAGS = ['localFsDir', 'storage', 'commandAdapterConfig'] as const;

/** Those flags as they were typed. */
export interface StorageNameFlags {
  localFsDir?: string;
  storage?: string;
  commandAdapterConfig?: string;
}

/** Flags that name a storage, of which one is given. */
export function addStorageName(command: Command, when = ''): Command {
  return command
    .option('--local-fs-dir <DIR>', `the storage: a folder${when}`)
    .option(
      '--storage <URL>',
      `the storage: a URL, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, azblob://ACCOUNT/CONTAINER/PREFIX or file:///DIR${when}`,
    )
    .option(
      '--command-adapter-config <FILE>',
      `the storage: your own commands, in the stock tool's YAML${when}`,
    );
}

/** Flags of all commands that read or write a storage. */
export function addStorageOptions(command: Command): Command {
  return addStorageName(command)
    .addOption(new Option('--metadata-cache-dir <DIR>', 'accepted, not needed').hideHelp())
    .addOption(new Option('--concurrent-downloads <N>', 'accepted, not needed').hideHelp());
}

/** Whether the flags name a storage. */
export function namesStorage(flags: StorageNameFlags): boolean {
  return STORAGE_FLAGS.some((flag) => flags[flag] !== undefined);
}

/** Paths are made absolute: workers may stand elsewhere. @throws UsageError, InputError */
export function storageOf(flags: StorageNameFlags): StorageConfig {
  const { localFsDir: dir, storage: url, commandAdapterConfig: adapter } = flags;
  if (STORAGE_FLAGS.filter((flag) => flags[flag] !== undefined).length > 1) {
    throw new UsageError(
      'say once where backups are kept: with one of --storage, --local-fs-dir and --command-adapter-config',
    );
  }
  if (url !== undefined) return parseStorage(url);
  if (dir) return parseStorage({ local_fs_dir: pathOf('--local-fs-dir', dir) });
  if (adapter) {
    return parseStorage({ command_adapter_config: pathOf('--command-adapter-config', adapter) });
  }
  throw new UsageError(
    'say where backups are kept: --storage URL, --local-fs-dir DIR or --command-adapter-config FILE',
  );
}

/** A URL would become a folder `s3:` or `file:` below the working directory. @throws UsageError */
function pathOf(flag: string, text: string): string {
  if (!isUrl(text)) return path.resolve(text);
  throw new UsageError(`${flag} takes a path, not a URL; give a URL with --storage`);
}

/** The flags that name this storage, to be typed in a shell. */
export function storageFlags(storage: StorageConfig): string {
  if ('local_fs_dir' in storage) return `--local-fs-dir ${shellWord(storage.local_fs_dir)}`;
  if ('url' in storage) return `--storage ${shellWord(storage.url)}`;
  return `--command-adapter-config ${shellWord(storage.command_adapter_config)}`;
}

/** A text as one word of a shell. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A URL, the YAML of a command adapter, or a folder. Paths are made absolute: workers may stand elsewhere. */
export function placeOf(text: string): StorageConfig {
  return placeIn(process.cwd(), text);
}
