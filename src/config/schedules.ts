import { type Node, isMap, isSeq } from 'yaml';
import * as v from 'valibot';
import {
  type OwnInput,
  SCHEDULE_KINDS,
  type ScheduleInput,
  everyByDefault,
  kindOfSchedule,
} from '../client/schedule-kinds.js';
import { intervalProblem } from '../client/schedules.js';
import { compactionFields } from '../contract/compaction-input.js';
import { pruneFields } from '../contract/retention-input.js';
import type { StorageConfig } from '../contract/job.js';
import { show } from '../contract/schema.js';
import { isSamePlace } from '../contract/storage-name.js';
import { verifyFields } from '../contract/verify-input.js';
import { didYouMean } from '../lib/nearest.js';
import { checked, type Field, fieldsOf, isNothing, offsetOf, unknownField } from './fields.js';
import { pathIn } from './path-in.js';
import { placeIn } from './place.js';
import { pathText, place } from './settings.js';
import type { YamlText } from './yaml-text.js';

/** A schedule that the file declares. */
export interface DeclaredSchedule {
  kind: string;
  every?: string;
  /** What only its kind takes. */
  own: OwnInput;
  /** As the file says it, for people: `every 1d, sample 5%`. */
  words: string;
  line: number;
}

const { storage: _, dry_run: __, ...COMPACTION } = compactionFields;
const { storage: ___, force: ____, ...PRUNE } = pruneFields;
const FIELDS: Readonly<Record<string, v.GenericSchema>> = {
  kind: v.custom<string>(
    (value) => SCHEDULE_KINDS.includes(value as string),
    ({ input }) => kindProblem(input),
  ),
  every: v.custom<string>(
    (value) => intervalProblem(value) === undefined,
    ({ input }) => intervalProblem(input) ?? '',
  ),
  sample: verifyFields.sample,
  to: place,
  stock_binary: pathText,
  scratch: pathText,
  ...COMPACTION,
  ...PRUNE,
};

/** Kinds are checked with this where the file does not say it: a flag may. */
const ANY: ScheduleInput = { node: 'http://localhost:6186', storage: { local_fs_dir: '/any' } };

interface Source {
  list: Node | undefined;
  /** Where paths begin. */
  folder: string;
  /** The storage of the file. */
  storage: StorageConfig | undefined;
  /** The keep rules of the file: those of a prune that has none of its own. */
  rules: Readonly<Record<string, string>>;
}

/** Reads the list of schedules. Notes in `yaml` what is wrong. */
export function readSchedules(yaml: YamlText, { list, ...source }: Source): DeclaredSchedule[] {
  if (list === undefined || isNothing(list)) return [];
  if (!isSeq(list)) {
    yaml.add(offsetOf(list), 'schedules must be a list, each with a kind: "- kind: verify"');
    return [];
  }
  const found: DeclaredSchedule[] = [];
  list.items.forEach((item, i) => {
    const one = readOne(yaml, item as Node, `schedules[${i}]`, source);
    if (!one) return;
    const before = found.find(({ kind }) => kind === one.kind);
    if (before) {
      const twice = `schedules[${i}]: there is one of kind ${one.kind} on line ${before.line}`;
      yaml.add(offsetOf(item as Node), `${twice}; a storage has one of each kind`);
    }
    found.push(one);
  });
  return found;
}

function readOne(
  yaml: YamlText,
  item: Node,
  name: string,
  { folder, storage, rules }: Omit<Source, 'list'>,
): DeclaredSchedule | undefined {
  if (!isMap(item)) {
    yaml.add(offsetOf(item), `${name} must have a kind: "- kind: verify"`);
    return undefined;
  }
  const fields = fieldsOf(item);
  const values = valuesOf(yaml, name, fields);
  if (!fields.some((field) => field.name === 'kind')) {
    yaml.add(offsetOf(item), `${name}.kind is missing; it is one of ${SCHEDULE_KINDS.join(', ')}`);
  }
  const { kind, every, ...rest } = values;
  if (kind === undefined || Object.keys(values).length < fields.length) return undefined;
  const own = ownOf(rest, folder);
  const withRules = kind === 'prune' && !own.prune ? { ...own, prune: rules } : own;
  const to = fields.find((field) => field.name === 'to');
  if (to && own.to && storage && isSamePlace(own.to, storage)) {
    yaml.add(offsetOf(to.key), `${name}.to is the storage itself`);
  } else {
    const problem = problemOf(kind, { ...withRules, ...(storage && { storage }) });
    if (problem !== undefined) yaml.add(offsetOf(item), `${name}${problem}`);
  }
  return {
    ...{ kind, own: withRules, line: yaml.lineOf(item) },
    ...(every === undefined ? {} : { every }),
    words: wordsOf(kind, every, withRules === own ? rest : { ...rest, ...rules }),
  };
}

function wordsOf(kind: string, every: string | undefined, others: Record<string, string>): string {
  const all = Object.entries({ every: every ?? everyByDefault(kind), ...others });
  return all.map(([field, value]) => `${field} ${value}`).join(', ');
}

/** The values that fit. */
function valuesOf(yaml: YamlText, name: string, fields: readonly Field[]) {
  const values: Record<string, string> = {};
  for (const field of fields) {
    // Names like `constructor` are those of every object, and no fields.
    const schema = Object.hasOwn(FIELDS, field.name) ? FIELDS[field.name] : undefined;
    if (!schema) {
      const full = Object.keys(FIELDS).map((one) => `${name}.${one}`);
      yaml.add(offsetOf(field.key), unknownField(`${name}.${field.name}`, full));
      continue;
    }
    const value = checked(yaml, `${name}.${field.name}`, schema, field);
    if (value !== undefined) values[field.name] = `${value as string | number}`;
  }
  return values;
}

function ownOf(values: Readonly<Record<string, string>>, folder: string): OwnInput {
  const pick = (names: object) => {
    const own = Object.entries(values).filter(([field]) => Object.hasOwn(names, field));
    return own.length === 0 ? undefined : Object.fromEntries(own);
  };
  const { sample, to, stock_binary: binary, scratch } = values;
  const own = {
    sample,
    stock_binary: binary && pathIn(folder, binary),
    scratch: scratch && pathIn(folder, scratch),
    to: to === undefined ? undefined : placeIn(folder, to),
    compaction: pick(COMPACTION),
    prune: pick(PRUNE),
  };
  return Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
}

function problemOf(kind: string, given: Partial<ScheduleInput>): string | undefined {
  if (kind === 'copy' && given.to === undefined) {
    return '.to is missing: the storage that gets the copies';
  }
  try {
    kindOfSchedule(kind, { ...ANY, ...given });
    return undefined;
  } catch (error) {
    return `: ${(error as Error).message}`;
  }
}

function kindProblem(kind: unknown): string {
  const meant = typeof kind === 'string' ? didYouMean(kind, SCHEDULE_KINDS) : '';
  return `must be one of ${SCHEDULE_KINDS.join(', ')}, not ${show(kind)}${meant}`;
}
