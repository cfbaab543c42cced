import type { Command } from 'commander';

/** Fields of inputs whose flags have other names. Of several flags, a command has one. */
const OTHER_NAMES: Readonly<Record<string, readonly string[]>> = {
  node: ['--backup-service-address'],
  concurrency: ['--concurrent-data-requests', '--concurrent-downloads', '--lanes'],
  epoch: ['--state-snapshot-epoch'],
  trust_waypoints: ['--trust-waypoint'],
  'storage.local_fs_dir': ['--local-fs-dir'],
  'storage.command_adapter_config': ['--command-adapter-config'],
};
/**
 * The name of a field with which the message of a schema begins, in the forms that `sentence` makes (contract/schema.ts).
 * Other messages may begin with the same words in plain English: "epoch endings 0 to 2: ...".
 */
const FIRST =
  /^[a-z_.]+(?= must (?:not )?(?:be|have) | names the storage | is missing$| "|: "|: version \d+ is given twice$)/;
/** The name of a setting in a list of changes: `changed: NAME OLD -> NEW, NAME OLD -> NEW`. */
const CHANGED = /(?<=\bchanged: |, )[a-z_]+(?= \S+ -> )/g;
/** Anywhere else, a name that cannot be a word or a part of a path. Quoted values stay as they are. */
const INSIDE = /"(?:[^"\\]|\\.)*"|(?<![\w./:-])[a-z]+(?:_[a-z]+)+(?![\w/:-]|\.\w)/g;

let flags: readonly string[] = [];

/** Notes which command runs: messages name its flags. */
export function noteCommand(command: Command): void {
  const all: string[] = [];
  for (let one: Command | null = command; one; one = one.parent) {
    all.push(...one.options.flatMap(({ long }) => long ?? []));
  }
  flags = all;
}

/** A message about an input, with the flags of the command in place of the names of its fields. */
export function inFlags(message: string): string {
  return message.replace(FIRST, flagOf).replace(CHANGED, flagOf).replace(INSIDE, flagOf);
}

function flagOf(field: string): string {
  const own = [`--${field}`, `--${field.replaceAll('_', '-')}`, ...othersOf(field)];
  return own.find((name) => flags.includes(name)) ?? field;
}

/** A word like `constructor` is the name of a member of every object, and of no field. */
function othersOf(field: string): readonly string[] {
  return (Object.hasOwn(OTHER_NAMES, field) && OTHER_NAMES[field]) || [];
}
