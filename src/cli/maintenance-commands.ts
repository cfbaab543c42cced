import type { Command } from 'commander';
import type { AddCommand } from './add-command.js';
import { type CompactionFlags, runCompact } from './compact-command.js';
import { type ConsolidateFlags, runConsolidation } from './consolidate-command.js';
import { addCompactionOptions } from './compaction-options.js';
import { addCommonOptions, collect } from './options.js';
import { addStorageOptions } from './storage-options.js';

export const MAINTENANCE = 'keep a repository in order';

/** Adds `backup-maintenance compact` and `consolidate`. `add` makes a subcommand. */
export function addMaintenanceCommands(
  maintenance: Command,
  add: AddCommand,
  signal: AbortSignal,
): void {
  const compact = add(maintenance, 'compact', 'put the lines of many metadata files into few');
  addCommonOptions(addStorageOptions(addCompactionOptions(compact)))
    .option('--dry-run', 'only say what would be done')
    .action(async (flags: CompactionFlags) => {
      process.exitCode = await runCompact(flags, signal);
    });
  const what = 'make full batches of the small ones that a coordinator stores at the tip';
  addCommonOptions(addStorageOptions(add(maintenance, 'consolidate', what)))
    .option('--transaction-batch-size <N>', 'versions of a full batch (default: 1000000)')
    .option('--max-chunk-size <BYTES>', 'most bytes of a chunk file (default: 134217728)')
    .option('--grace-days <N>', 'days that the small backups stay (default: 7)')
    .option('--dry-run', 'only say what would be done')
    .option(
      '--trust-waypoint <VERSION:HASH>',
      'a waypoint that you trust; may be repeated',
      collect,
      [],
    )
    .option('--network <NAME>', 'trust the waypoints of this network, or custom:NAME')
    .action(async (flags: ConsolidateFlags) => {
      process.exitCode = await runConsolidation(flags, signal);
    });
}
