import type { Command } from 'commander';
import type { AddCommand } from './add-command.js';
import { SCHEDULE_KINDS } from '../client/schedules.js';
import type { CompactionFlags } from './compact-command.js';
import { addCompactionOptions } from './compaction-options.js';
import {
  type CommonFlags,
  type CoordinatorFlags,
  addBackupOptions,
  addCommonOptions,
  addCoordinatorOptions,
  addNodeOptions,
} from './options.js';
import { addStorageOptions } from './storage-options.js';
import { addDrillOptions } from './restore-options.js';
import { addPruneOptions } from './retention-options.js';
import { type ScheduleFlags, scheduleCreate, scheduleDelete, scheduleList } from './schedule.js';

export const SCHEDULE = 'back up at fixed times, without a coordinator';

/** Adds `schedule create`, `list` and `delete`. `add` makes a subcommand; `signal` ends what it does. */
export function addScheduleCommands(schedule: Command, add: AddCommand, signal: AbortSignal): void {
  const created = add(schedule, 'create', 'create a schedule, or change the one of the same kind')
    .argument('<kind>', SCHEDULE_KINDS.join(', '))
    .option('--every <TIME>', 'how often, like 10m, 1h, 1d (default: depends on the kind)')
    .option(
      '--sample <PART>',
      'of kind verify: what each run reads, like 2/7 or 5% (default: what is new)',
    )
    .option('--to <URL>', 'of kind copy: the storage that gets the backups');
  addDrillOptions(created, 'of kind drill: ');
  addPruneOptions(created, 'of kind prune: ');
  addCompactionOptions(addCoordinatorOptions(created), 'of kind compact: ');
  addCommonOptions(addBackupOptions(addNodeOptions(addStorageOptions(created)))).action(
    (kind: string, flags: CoordinatorFlags & CompactionFlags & ScheduleFlags) =>
      scheduleCreate(kind, flags, signal),
  );
  addCommonOptions(add(schedule, 'list', 'list schedules')).action((flags: CommonFlags) =>
    scheduleList(flags, signal),
  );
  addCommonOptions(add(schedule, 'delete', 'delete a schedule').argument('<id>')).action(
    (id: string, flags: CommonFlags) => scheduleDelete(id, flags, signal),
  );
}
