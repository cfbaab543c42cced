import type { Command } from 'commander';
import type { AddCommand } from './add-command.js';
import { NETWORKS, addCommonOptions, collect } from './options.js';
import { addStorageOptions } from './storage-options.js';
import {
  type DrillFlags,
  type PlanFlags,
  runRestoreDrill,
  runRestorePlan,
} from './restore-command.js';

export const RESTORE = 'plan a restore by the stock tool, or practise it';

/** Adds `restore plan` and `restore drill`. `add` makes a subcommand. */
export function addRestoreCommands(restore: Command, add: AddCommand, signal: AbortSignal): void {
  addRestoreOptions(add(restore, 'plan', 'say what the stock tool restores, and how to run it'))
    .option('--download-rate <N>', 'bytes fetched a second, to compute the time, like 100M')
    .option('--state-rate <N>', 'state items restored a second')
    .option('--save-rate <N>', 'transactions a second that the tool saves without executing them')
    .option('--kv-replay-rate <N>', 'transactions a second whose write sets are replayed')
    .option('--replay-rate <N>', 'transactions a second that are executed')
    .option('--stock-tool <NAME>', 'the stock tool in the commands (default: aptos-db-tool)')
    .option(
      '--target-db-dir <DIR>',
      'the new database in the commands (default: /opt/aptos/data/db)',
    )
    .option('--adapter-file <FILE>', 'write the command adapter for a bucket into this file')
    .action(async (flags: PlanFlags) => {
      process.exitCode = await runRestorePlan(flags, signal);
    });
  const drill = add(
    restore,
    'drill',
    'prove what a restore needs, and restore it in a scratch folder',
  );
  addDrillOptions(addRestoreOptions(drill))
    .option(
      '--silence-seconds <S>',
      'end a stock tool that prints nothing for S seconds (default: 1800)',
    )
    .action(async (flags: DrillFlags) => {
      process.exitCode = await runRestoreDrill(flags, signal);
    });
}

/** Flags of the commands about restores. */
function addRestoreOptions(command: Command): Command {
  return addCommonOptions(addStorageOptions(command))
    .option('--target-version <V>', 'up to this version (default: all that is stored)')
    .option(
      '--from-version <V>',
      'with history from this version on (default: only what the snapshot needs)',
    )
    .option(
      '--trust-waypoint <VERSION:HASH>',
      'a waypoint that you trust; may be repeated',
      collect,
      [],
    )
    .option('--network <NAME>', `trust the waypoints of this network: ${NETWORKS}`);
}

/** Flags of drills. `when` begins their help texts. */
export function addDrillOptions(command: Command, when = ''): Command {
  return command
    .option(
      '--stock-binary <PATH>',
      `${when}aptos-db-tool or aptos-debugger on the host of the workers; without it, nothing is restored`,
    )
    .option(
      '--scratch <DIR>',
      `${when}a folder on that host with room for a database (default: in the data folder)`,
    );
}
