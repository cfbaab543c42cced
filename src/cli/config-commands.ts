import type { Command } from 'commander';
import { EXAMPLE } from '../config/example.js';
import type { AddCommand } from './add-command.js';
import { type Sourced, configOf, sourcesOf } from './applied-config.js';
import {
  type CommonFlags,
  addBackupOptions,
  addCommonOptions,
  addCoordinatorOptions,
  addCopyToOptions,
  addNodeOptions,
  addWorkerOptions,
} from './options.js';
import { addStorageOptions } from './storage-options.js';
import { addNotifyOptions } from './notify-options.js';
import { addPruneOptions } from './retention-options.js';
import { print } from './print.js';

export const CONFIG = 'show the configuration, or an example of its file';

/** Adds `config show` and `config example`. `add` makes a subcommand. */
export function addConfigCommands(config: Command, add: AddCommand): void {
  const show = add(config, 'show', 'print each setting with its value and what gave it');
  addNotifyOptions(addPruneOptions(show));
  addWorkerOptions(addCopyToOptions(addCoordinatorOptions(show)));
  addCommonOptions(addBackupOptions(addNodeOptions(addStorageOptions(show)))).action(
    (flags: CommonFlags, command: Command) => showConfig(flags, command),
  );
  add(config, 'example', 'print an example of the file, with every setting').action(() => {
    process.stdout.write(EXAMPLE);
  });
}

/** `config show`. */
function showConfig({ json, config: file }: CommonFlags, command: Command): void {
  const config = configOf(command)?.config;
  const rows: Sourced[] = [
    ...sourcesOf(command),
    ...(config?.schedules ?? []).map(({ kind, words, line }): Sourced => {
      const from = `${config!.file}:${line}`;
      return { name: `schedules.${kind}`, value: words, source: 'file', from };
    }),
  ];
  if (json) print(JSON.stringify({ file: file ?? null, settings: rows }));
  else print(describeSources(rows).join('\n'));
}

function describeSources(rows: readonly Sourced[]): string[] {
  const width = (of: (row: Sourced) => string) => Math.max(...rows.map((row) => of(row).length));
  const names = width(({ name }) => name);
  const values = Math.min(
    60,
    width(({ value }) => value),
  );
  return rows.map(({ name, value, source, from }) =>
    `${name.padEnd(names)}  ${value.padEnd(values)}  ${source} ${from ?? ''}`.trimEnd(),
  );
}
