import type { Command, Option } from 'commander';
import { type Config, readConfig } from '../config/read-config.js';
import { isUrl, placeIn } from '../config/place.js';
import { KEEP_RULES, SETTINGS, type Setting, defaultOf } from '../config/settings.js';
import { type CommonFlags } from './options.js';
import { STORAGE_FLAGS } from './storage-options.js';

/** A flag of a command, or of the command above it. */
interface Slot {
  command: Command;
  option: Option;
}

/** What a setting is for a command, and what gave it. */
export interface Sourced {
  name: string;
  value: string;
  source: 'flag' | 'environment' | 'file' | 'default';
  /** The flag, the variable, or the file with its line. */
  from?: string;
}

/** The command `copy` has other names for some settings. */
const OF_COPY: Readonly<Record<string, string>> = {
  storage: 'from',
  'copy.to': 'to',
  'copy.bytes_per_second': 'bytesPerSecond',
  'copy.requests_per_second': 'requestsPerSecond',
};
const applied = new WeakMap<Command, AppliedConfig>();

/**
 * Gives the flags of a command the values of the configuration file that it names, if it names one. Flags that were
 * typed, and what the environment says, come first. @throws ConfigError
 */
export function applyConfig(command: Command): void {
  const { config: file } = command.optsWithGlobals<CommonFlags>();
  if (!file) return;
  const one = new AppliedConfig(command, readConfig(file));
  one.use(one.config);
  applied.set(command, one);
}

/** The configuration that a command runs with; undefined when it names none. */
export function configOf(command: Command): AppliedConfig | undefined {
  return applied.get(command);
}

/** A configuration file, and the command whose flags have its values. */
export class AppliedConfig {
  private readonly slots: Slot[] = [];

  constructor(
    readonly command: Command,
    public config: Config,
  ) {
    this.slots = slotsOf(command);
  }

  /** Gives the flags the values of this file. What only the file before it gave is the default again. */
  use(config: Config): void {
    this.config = config;
    for (const setting of SETTINGS) {
      const slots = this.slotsFor(setting);
      if (this.isDecided(setting, slots)) continue;
      for (const { command, option } of slots) {
        const key = option.attributeName();
        if (command.getOptionValueSource(key) !== 'config') continue;
        command.setOptionValueWithSource(key, option.defaultValue, 'default');
      }
      const given = config.given.get(setting.name);
      if (!given) continue;
      const key = setting.name === 'storage' ? flagOfPlace(given.value) : undefined;
      const slot = slots.find(({ option }) => option.attributeName() === key) ?? slots[0];
      slot?.command.setOptionValueWithSource(slot.option.attributeName(), given.value, 'config');
    }
  }

  flags<F extends object>(): F {
    return this.command.optsWithGlobals<F>();
  }

  private slotsFor(setting: Setting): Slot[] {
    return slotsFor(this.command, this.slots, setting);
  }

  /** Whether something that comes before the file says this. */
  private isDecided(setting: Setting, slots: readonly Slot[]): boolean {
    const { name, variable } = setting;
    if (slots.length === 0 || slots.some(isTyped)) return true;
    if (variable !== undefined && process.env[variable]) return true;
    if (otherOf(this.slots, setting)) return true;
    // `stop --all` is about all storages.
    if (name === 'storage' && this.flags<{ all?: boolean }>().all) return true;
    return isRule(setting) && this.slots.some(isTypedRule);
  }
}

/** Each setting with its value and what gave it, by the flags of a command that has them all. */
export function sourcesOf(command: Command): Sourced[] {
  const file = configOf(command)?.config;
  const all = slotsOf(command);
  return SETTINGS.map((setting) => {
    const { name, variable } = setting;
    const slots = slotsFor(command, all, setting);
    const slot = slots.find(isTyped);
    const value = valueOf(slots);
    if (slot && slot.command.getOptionValueSource(slot.option.attributeName()) === 'cli') {
      return { name, value, source: 'flag', from: slot.option.long! };
    }
    const said = variable && process.env[variable];
    if (said) {
      // The variable of the token is the secret itself.
      const shown = name === 'page.token_file' ? 'a token' : said;
      return { name, value: shown, source: 'environment', from: variable };
    }
    const other = otherOf(all, setting);
    if (other) return { name, value: setting.otherwiseGiven ?? 'given in another way', ...other };
    const given = file?.given.get(name);
    const isLeftOut = isRule(setting) && all.some(isTypedRule);
    if (file && given && !isLeftOut) {
      return { name, value, source: 'file', from: `${file.file}:${given.line}` };
    }
    return { name, value: defaultOf(setting), source: 'default' };
  });
}

/** What says a setting in another way than by its own flag and variable. */
function otherOf(slots: readonly Slot[], { others = [] }: Setting) {
  for (const { flag, variable } of others) {
    const typed = slots.find((slot) => slot.option.attributeName() === flag && isTyped(slot));
    if (typed) return { source: 'flag' as const, from: typed.option.long! };
    if (process.env[variable]) return { source: 'environment' as const, from: variable };
  }
  return undefined;
}

function valueOf(slots: readonly Slot[]): string {
  type Value = string | string[] | undefined;
  const values = slots.map(({ command, option }) => {
    return command.getOptionValue(option.attributeName()) as Value;
  });
  return [values.find((one) => one !== undefined)].flat().join(', ');
}

function slotsOf(command: Command): Slot[] {
  const above = command.parent ? slotsOf(command.parent) : [];
  return [...command.options.map((option) => ({ command, option })), ...above];
}

/** The flags of a command that take a setting. */
function slotsFor(command: Command, slots: readonly Slot[], setting: Setting): Slot[] {
  const { name, flag } = setting;
  if (name.startsWith('retention.') && !takesRules(command)) return [];
  const other = command.name() === 'copy' ? OF_COPY[name] : undefined;
  const keys = other ? [other] : name === 'storage' ? STORAGE_FLAGS : [flag];
  return slots.filter(({ option }) => (keys as string[]).includes(option.attributeName()));
}

/** A gc has a grace time of its own meaning; of schedules, only a prune takes rules. */
function takesRules(command: Command): boolean {
  return command.name() === 'create' ? command.args[0] === 'prune' : command.name() !== 'gc';
}

/** A setting that is one of the keep rules. Where some are typed, those of the file do not count. */
function isRule({ flag }: Setting): boolean {
  return KEEP_RULES.includes(flag);
}

function isTypedRule(slot: Slot): boolean {
  return KEEP_RULES.includes(slot.option.attributeName()) && isTyped(slot);
}

function isTyped({ command, option }: Slot): boolean {
  return ['cli', 'env'].includes(command.getOptionValueSource(option.attributeName()) ?? '');
}

/** A URL of a folder, `file:///x`, is still a URL: the flag of folders would take it for a path. */
function flagOfPlace(value: string | string[]): (typeof STORAGE_FLAGS)[number] {
  const text = String(value);
  if (isUrl(text)) return 'storage';
  return 'local_fs_dir' in placeIn('/', text) ? 'localFsDir' : 'commandAdapterConfig';
}
