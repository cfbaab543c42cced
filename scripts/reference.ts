import { format } from 'prettier';
import * as v from 'valibot';
import { backupFields } from '../src/contract/backup-input.js';
import { copyFields } from '../src/contract/copy-input.js';
import { coordinatorFields, dueFields } from '../src/contract/coordinator-input.js';
import { rulesOf } from '../src/contract/kinds/index.js';
import { compactionFields } from '../src/contract/compaction-input.js';
import { consolidateFields } from '../src/contract/consolidate-input.js';
import { drillFields } from '../src/contract/drill-input.js';
import { gcFields, pruneFields } from '../src/contract/retention-input.js';
import { verifyFields } from '../src/contract/verify-input.js';
import { describeAnswers } from './reference-answers.js';

/** An input: its name, its purpose and its fields. */
interface Section {
  title: string;
  about: string;
  fields: Record<string, v.GenericSchema>;
}

const SECTIONS: Section[] = [
  {
    title: '`epochEndingBackup`',
    about: 'The epoch endings of some epochs.',
    fields: { ...rulesOf('epoch_ending').fields, ...backupFields },
  },
  {
    title: '`stateSnapshotBackup`',
    about: 'The state at the end of one epoch.',
    fields: { ...rulesOf('state_snapshot').fields, ...backupFields },
  },
  {
    title: '`transactionBackup`',
    about: 'The transactions of some versions.',
    fields: { ...rulesOf('transaction').fields, ...backupFields },
  },
  {
    title: '`backupCoordinator`',
    about:
      'Follows a node. Its update `configure` takes the same; null takes a field back to its default.',
    fields: coordinatorFields,
  },
  {
    title: '`backupDue`',
    about: 'One turn of a coordinator.',
    fields: dueFields,
  },
  {
    title: '`verifyBackups`',
    about: 'Proves a storage from its own files.',
    fields: verifyFields,
  },
  {
    title: '`copyBackups`',
    about: 'Copies backups into another storage, and proves them on the way.',
    fields: copyFields,
  },
  {
    title: '`compactMetadata`',
    about: 'Puts the lines of many metadata files into few.',
    fields: compactionFields,
  },
  {
    title: '`consolidateBackups`',
    about: 'Makes full batches of small backups of transactions.',
    fields: consolidateFields,
  },
  {
    title: '`restoreDrill`',
    about: 'Proves what a restore needs, and practises it with the stock tool.',
    fields: drillFields,
  },
  {
    title: '`pruneBackups`',
    about: 'Retires backups that no keep rule keeps. At least one rule is needed.',
    fields: pruneFields,
  },
  {
    title: '`collectGarbage`',
    about: 'Removes the data of retired backups, and what attempts left behind.',
    fields: gcFields,
  },
];

/** Renders docs/reference.md from the schemas of inputs and answers. */
export function reference(): Promise<string> {
  const head = [
    '# Reference of inputs and answers',
    '`npm run docs` makes this file from the schemas in `src/contract/`; do not edit it by hand.',
    'Each workflow takes one JSON object. An unknown field is refused. `u64` is a whole number from 0 to 2^64-1: a decimal string, or a number below 2^53.',
  ];
  const answers = [
    '## Answers',
    'What workflows and commands answer is JSON with names in snake_case. A field that has nothing to say is absent. `u64` is a decimal string here. `x.y` is the field `y` of `x`, `x[]` each item of the list `x`, `x.*` each stream.',
    ...describeAnswers(),
  ];
  const text = [...head, ...SECTIONS.flatMap(describe), ...answers].join('\n\n');
  return format(text, { parser: 'markdown' });
}

function describe({ title, about, fields }: Section): string[] {
  const rows = Object.entries(fields).map(([name, schema]) => row(name, schema));
  const table = ['| Field | Type | Default | Meaning |', '| --- | --- | --- | --- |', ...rows];
  return [`## ${title}`, about, table.join('\n')];
}

function row(name: string, schema: v.GenericSchema): string {
  const optional = v.isOfType('optional', schema);
  const inner = optional ? (schema as Optional).wrapped : schema;
  const value = optional ? (schema as Optional).default : undefined;
  const shown = !optional ? 'required' : value === undefined ? '' : `\`${JSON.stringify(value)}\``;
  const cells = [`\`${name}\``, typeOf(inner), shown, v.getDescription(inner) ?? ''];
  return `| ${cells.join(' | ')} |`;
}

type Optional = v.OptionalSchema<v.GenericSchema, unknown>;

/** The title of a schema, or the values that it takes. */
function typeOf(schema: v.GenericSchema): string {
  const title = v.getTitle(schema);
  if (title !== undefined) return title;
  const { options, item } = schema as { options?: readonly string[]; item?: v.GenericSchema };
  if (options) return options.map((option) => `\`${option}\``).join(', ');
  return item ? `list of ${typeOf(item)}` : schema.type;
}
