import type { Command } from 'commander';
import { UsageError } from '../client/command-failure.js';

/**
 * Refuses the value of a flag that begins with `~`. A shell makes a home folder of it, but not after `=`, and nothing
 * does in the environment of a service. It would name a folder `~` below the working directory. @throws UsageError
 */
export function refuseTilde(command: Command, env: NodeJS.ProcessEnv = process.env): void {
  for (let one: Command | null = command; one; one = one.parent) {
    for (const option of one.options) {
      const key = option.attributeName();
      const [source, value] = [one.getOptionValueSource(key), one.getOptionValue(key) as unknown];
      if (![value].flat().some(beginsWithTilde)) continue;
      if (source === 'cli') throw notExpanded(option.long ?? option.flags);
      if (source === 'env') throw notExpanded(option.envVar ?? option.flags);
    }
  }
  if (beginsWithTilde(env['APTOS_BACKUP_DATA_DIR'])) throw notExpanded('APTOS_BACKUP_DATA_DIR');
}

function beginsWithTilde(value: unknown): boolean {
  return typeof value === 'string' && value.startsWith('~');
}

function notExpanded(name: string): UsageError {
  return new UsageError(
    `${name} begins with "~", which no shell has expanded; write the whole path`,
  );
}
