import path from 'node:path';
import { type Node, isMap } from 'yaml';
import type { StorageConfig } from '../contract/job.js';
import { isNested, isSamePlace } from '../contract/storage-name.js';
import { ConfigError } from './config-error.js';
import { checked, type Field, fieldsOf, isNothing, offsetOf, unknownField } from './fields.js';
import { placeIn } from './place.js';
import { type DeclaredSchedule, readSchedules } from './schedules.js';
import { SETTINGS, flagValue } from './settings.js';
import { YamlText, readText } from './yaml-text.js';

/** A setting that the file gives. */
interface Given {
  /** As its flag takes it. */
  value: string | string[];
  line: number;
}

/** A configuration file that was read and found right. */
export interface Config {
  /** As it was named. */
  file: string;
  path: string;
  text: string;
  /** By the names of the settings. */
  given: ReadonlyMap<string, Given>;
  schedules: readonly DeclaredSchedule[];
}

const NAMES = SETTINGS.map(({ name }) => name);
const SECTIONS = [...new Set(NAMES.flatMap((name) => sectionOf(name) ?? []))];
const SCHEDULES = 'schedules';
const AT_TOP = [...NAMES.filter((name) => !name.includes('.')), ...SECTIONS, SCHEDULES];

function sectionOf(name: string): string | undefined {
  return name.includes('.') ? name.slice(0, name.indexOf('.')) : undefined;
}

/** Reads and checks a configuration file. @throws ConfigError with all its problems, each with line and column */
export function readConfig(file: string): Config {
  return parseConfig(file, readText(path.resolve(file), file));
}

/** Checks the text of the configuration `file`. Paths in it begin in the folder of the file. @throws ConfigError */
export function parseConfig(file: string, text: string): Config {
  try {
    return new ConfigReader(file, new YamlText(file, text)).read();
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    // A mistake of ours. It must not end or silence what follows the file.
    const [why] = String(error).split('\n');
    throw new ConfigError([`${file} cannot be read: ${why}`], { cause: error });
  }
}

class ConfigReader {
  private readonly given = new Map<string, Given>();
  private readonly places = new Map<string, Node>();
  private readonly folder: string;

  constructor(
    private readonly file: string,
    private readonly yaml: YamlText,
  ) {
    this.folder = path.dirname(path.resolve(file));
  }

  read(): Config {
    const { file, yaml, given, folder } = this;
    let list: Node | undefined;
    for (const field of fieldsOf(yaml.root)) {
      if (field.name === SCHEDULES) list = field.value;
      else if (SECTIONS.includes(field.name)) this.section(field);
      else this.setting(field.name, field);
    }
    this.checkCopy();
    this.checkRetention();
    const source = { list, folder, storage: this.placeOf('storage'), rules: this.rules() };
    const schedules = readSchedules(yaml, source);
    yaml.done();
    return { file, path: path.resolve(file), text: yaml.text, given, schedules };
  }

  /** A section without fields, as one whose lines are all comments, says nothing. */
  private section({ name, key, value }: Field): void {
    if (isNothing(value)) return;
    const own = NAMES.filter((one) => sectionOf(one) === name);
    if (!isMap(value)) {
      const fields = own.map((one) => one.slice(name.length + 1)).join(', ');
      return this.yaml.add(offsetOf(value ?? key), `${name} must be a section with ${fields}`);
    }
    this.places.set(name, key);
    for (const field of fieldsOf(value)) this.setting(`${name}.${field.name}`, field);
  }

  private setting(name: string, field: Field): void {
    this.places.set(name, field.key);
    const setting = SETTINGS.find((one) => one.name === name);
    if (!setting) {
      const section = sectionOf(name);
      const near = section ? NAMES.filter((one) => sectionOf(one) === section) : AT_TOP;
      return this.yaml.add(offsetOf(field.key), unknownField(name, near, NAMES));
    }
    const value = checked(this.yaml, name, setting.schema, field);
    if (value === undefined) return;
    const line = this.yaml.lineOf(field.key);
    this.given.set(name, { value: flagValue(setting, value, this.folder), line });
  }

  private checkCopy(): void {
    const copy = this.places.get('copy');
    const to = this.places.get('copy.to');
    if (copy && !to) {
      this.yaml.add(offsetOf(copy), 'copy.to is missing: it says where the copy is');
    }
    const [from, target] = [this.placeOf('storage'), this.placeOf('copy.to')];
    if (from && target && isSamePlace(from, target)) {
      this.yaml.add(offsetOf(to!), 'copy.to is the storage itself');
    } else if (from && target && isNested(from, target)) {
      this.yaml.add(offsetOf(to!), 'copy.to must not be inside the storage, nor around it');
    }
  }

  private placeOf(name: string): StorageConfig | undefined {
    const value = this.given.get(name)?.value;
    return typeof value === 'string' ? placeIn('/', value) : undefined;
  }

  private checkRetention(): void {
    const retention = this.places.get('retention');
    const named = [...this.places.keys()].filter((name) => sectionOf(name) === 'retention');
    if (!retention || named.some((name) => name !== 'retention.grace')) return;
    this.yaml.add(offsetOf(retention), 'retention needs a keep rule, such as keep_last');
  }

  /** The keep rules of the file, as fields of the input of a prune. */
  private rules(): Record<string, string> {
    const own = [...this.given].filter(([name]) => sectionOf(name) === 'retention');
    return Object.fromEntries(
      own.map(([name, { value }]) => [name.slice(name.indexOf('.') + 1), String(value)]),
    );
  }
}
