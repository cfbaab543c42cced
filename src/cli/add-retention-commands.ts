import type { Command } from 'commander';
import type { AddCommand } from './add-command.js';
import type { CommonFlags } from './options.js';
import { runGc, runKeep, runPrune, runUnkeep } from './retention-commands.js';
import { type PruneFlags, addPruneOptions } from './retention-options.js';

/** Adds `repository prune`, `gc`, `keep` and `unkeep`. `add` makes a subcommand; `signal` ends what it does. */
export function addRetentionCommands(
  repository: Command,
  add: AddCommand,
  signal: AbortSignal,
): void {
  addPruneOptions(add(repository, 'prune', 'retire backups that no keep rule keeps'))
    .option('--dry-run', 'only show what would be retired')
    .option('--yes', 'retire; without it, only show the plan')
    .action(async (_, command: Command) => {
      type Flags = PruneFlags & { dryRun?: boolean; yes?: boolean };
      process.exitCode = await runPrune(command.optsWithGlobals<Flags>(), signal);
    });
  add(repository, 'gc', 'remove the data of retired backups, and what attempts left behind')
    .option('--dry-run', 'only show what would be removed')
    .option(
      '--grace <TIME>',
      'remove what was retired at least so long ago (default: the --grace of its prune)',
    )
    .action((_, command: Command) => {
      type Flags = CommonFlags & { dryRun?: boolean; grace?: string };
      return runGc(command.optsWithGlobals<Flags>(), signal);
    });
  add(
    repository,
    'keep',
    'pin a backup, so that no keep rule retires it; without one, list the pins',
  )
    .argument('[backup]', 'the folder of the backup')
    .option('--note <TEXT>', 'why it is pinned')
    .action((backup: string | undefined, _, command: Command) =>
      runKeep(backup, command.optsWithGlobals<CommonFlags & { note?: string }>(), signal),
    );
  add(repository, 'unkeep', 'take the pin of a backup away')
    .argument('<backup>', 'the folder of the backup')
    .action((backup: string, _, command: Command) =>
      runUnkeep(backup, command.optsWithGlobals<CommonFlags>(), signal),
    );
}
