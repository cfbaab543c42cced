import type { Command } from 'commander';
import type { AddCommand } from './add-command.js';
import { addRetentionCommands } from './add-retention-commands.js';
import { type CommonFlags, addCommonOptions } from './options.js';
import { addStorageOptions } from './storage-options.js';
import {
  type ListFlags,
  indexRepository,
  listRepository,
  repositoryStats,
  showInRepository,
} from './repository-command.js';

/** Defines `repository` and its commands. `add` makes a subcommand; `signal` ends what it does. */
export function addRepositoryCommands(
  program: Command,
  add: AddCommand,
  signal: AbortSignal,
): void {
  const repository = add(
    program,
    'repository',
    'show what a storage holds, keep it in order, and publish an index of it',
  );
  addCommonOptions(addStorageOptions(repository));
  add(repository, 'list', 'list the backups, by kind and range, from the metadata alone')
    .option('--kind <KIND>', 'only epoch-ending, state-snapshot or transaction')
    .option('--start-version <V>', 'only backups that have versions from here on')
    .option('--end-version <V>', 'only backups that have versions up to here')
    .option('--start-epoch <EPOCH>', 'only epoch endings and snapshots from here on')
    .option('--end-epoch <EPOCH>', 'the same: first epoch that is left out')
    .option(
      '--sizes',
      'also sizes, how each is proven, and missing files: reads manifest and folder of each, so it takes a minute or more for ten thousand backups of a bucket',
    )
    .action((_, command: Command) => listRepository(command.optsWithGlobals<ListFlags>(), signal));
  add(repository, 'show', 'show all about one backup; looks at its files without reading them')
    .argument('<BACKUP>', 'its folder, its manifest or its metadata file, as list shows them')
    .action((backup: string, _, command: Command) =>
      showInRepository(backup, command.optsWithGlobals<CommonFlags>(), signal),
    );
  add(
    repository,
    'stats',
    'sizes, growth, orphans, holes and overlaps; lists every folder once',
  ).action((_, command: Command) =>
    repositoryStats(command.optsWithGlobals<CommonFlags>(), signal),
  );
  add(
    repository,
    'index',
    'publish a listing and latest.json in the storage, for readers who may not list it',
  ).action((_, command: Command) =>
    indexRepository(command.optsWithGlobals<CommonFlags>(), signal),
  );
  addRetentionCommands(repository, add, signal);
}
