import type { Command } from 'commander';
import { UsageError } from '../client/command-failure.js';
import { configOf } from './applied-config.js';
import { runCheck } from './check-command.js';
import { checkConfig } from './check-config.js';
import { addNotifyOptions } from './notify-options.js';
import {
  type CommonFlags,
  addChainOptions,
  addCommonOptions,
  addCopyToOptions,
  addNodeOptions,
  addWorkerOptions,
} from './options.js';
import { STORAGE_FLAGS, addStorageName, namesStorage } from './storage-options.js';

export const CHECK =
  'try all that the configuration names, or what one storage can do; leave nothing behind';

/** Gives the command `check` its flags. */
export function addCheckCommand(check: Command, signal: AbortSignal): void {
  addNotifyOptions(addWorkerOptions(check));
  addChainOptions(addCopyToOptions(addNodeOptions(check)));
  addCommonOptions(addStorageName(check)).action(async (flags: CommonFlags, self: Command) => {
    const config = configOf(self);
    const isTyped = STORAGE_FLAGS.some((flag) => self.getOptionValueSource(flag) === 'cli');
    if (config && !isTyped) process.exitCode = await checkConfig(config, signal);
    else if (namesStorage(flags)) process.exitCode = await runCheck(flags, signal);
    else
      throw new UsageError('say what to try: --config FILE, --storage URL or --local-fs-dir DIR');
  });
}
