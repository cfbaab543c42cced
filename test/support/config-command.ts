import { Command } from 'commander';
import { applyConfig } from '../../src/cli/applied-config.js';
import {
  addBackupOptions,
  addCommonOptions,
  addCoordinatorOptions,
  addCopyToOptions,
  addNodeOptions,
  addWorkerOptions,
} from '../../src/cli/options.js';
import { addStorageOptions } from '../../src/cli/storage-options.js';
import { addNotifyOptions } from '../../src/cli/notify-options.js';
import { addPruneOptions } from '../../src/cli/retention-options.js';

/** A command with all flags, after it has got these arguments. */
export async function commandWith(args: string[], name = 'show'): Promise<Command> {
  let ran: Command | undefined;
  const program = new Command().hook('preAction', (_, command) => applyConfig(command));
  const command = program.command(name).argument('[kind]');
  addNotifyOptions(addPruneOptions(addWorkerOptions(command)));
  addCopyToOptions(addCoordinatorOptions(command));
  addCommonOptions(addBackupOptions(addNodeOptions(addStorageOptions(command)))).action(
    (...all) => void (ran = all.at(-1) as Command),
  );
  await program.parseAsync([name, ...args], { from: 'user' });
  return ran!;
}
