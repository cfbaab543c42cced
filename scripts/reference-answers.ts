import * as v from 'valibot';
import { backupResult, backupStatus, dueResult } from '../src/contract/answers/backup-answers.js';
import { compaction } from '../src/contract/answers/compaction-answers.js';
import { coordinatorStatus } from '../src/contract/answers/coordinator-answers.js';
import {
  health,
  healthJson,
  listedSchedule,
  liveStatus,
} from '../src/contract/answers/shown-answers.js';
import { copyResult, copyStatus } from '../src/contract/answers/copy-answers.js';
import { nodeLimiterStatus } from '../src/contract/answers/limiter-answers.js';
import { pageCoverage, pageStatus } from '../src/contract/answers/page-answers.js';
import {
  backupList,
  latest,
  shownBackup,
  storageStats,
} from '../src/contract/answers/inventory-answers.js';
import { consolidation } from '../src/contract/answers/consolidation-answers.js';
import { drillReport, drillStatus, restorePlan } from '../src/contract/answers/restore-answers.js';
import { gcAnswer, pruneAnswer } from '../src/contract/answers/retention-answers.js';
import { coverage, verifyProgress, verifyStatus } from '../src/contract/answers/verify-answers.js';

/** An answer: where it stands, and what is in it. */
interface Answer {
  title: string;
  about: string;
  schema: ObjectSchema;
  /** Its other fields are those of the answer before it. */
  only?: readonly string[];
}

type ObjectSchema = v.ObjectSchema<v.ObjectEntries, undefined>;

const STATUS_FIELDS = Object.keys(coordinatorStatus.entries);
const more = (schema: ObjectSchema, known: readonly string[]) =>
  Object.keys(schema.entries).filter((name) => !known.includes(name));

export const ANSWERS: Answer[] = [
  {
    title: 'Status of a backup',
    about:
      'The query `status` of `epochEndingBackup`, `stateSnapshotBackup` and `transactionBackup`.',
    schema: backupStatus,
  },
  {
    title: 'Result of a backup',
    about: 'The result of these workflows, and what `oneoff --json` prints.',
    schema: backupResult,
  },
  {
    title: 'Result of `backupDue`',
    about: 'What one run did.',
    schema: dueResult,
  },
  {
    title: 'Status of a coordinator',
    about: 'The query `status` of `backupCoordinator`.',
    schema: coordinatorStatus,
  },
  {
    title: '`status --json`',
    about:
      'The status of the coordinator, brought up to date by heartbeats, and more that the server knows. `up` and `continuously` print the same with `--json`.',
    schema: liveStatus,
    only: more(liveStatus, STATUS_FIELDS),
  },
  {
    title: '`status --check --json`',
    about: 'The health.',
    schema: health,
  },
  {
    title: '`/healthz`',
    about: 'The health, and beside it what it was judged by.',
    schema: healthJson,
    only: more(healthJson, [...Object.keys(health.entries), 'status']),
  },
  {
    title: '`/status.json`',
    about: 'What the page shows: what `/healthz` answers, and:',
    schema: pageStatus,
    only: more(pageStatus, Object.keys(healthJson.entries)),
  },
  {
    title: '`/coverage.json`',
    about:
      'What the map of the page shows. `?first=V&last=V` asks for a window of versions. A row has about four hundred parts at most: of too many, those that lie side by side are told as one.',
    schema: pageCoverage,
  },
  {
    title: '`schedule list --json`',
    about: 'A list. Each schedule has:',
    schema: listedSchedule,
  },
  {
    title: 'Status of a verification',
    about: 'The query `status` of `verifyBackups`.',
    schema: verifyStatus,
  },
  {
    title: 'Memo of a verification',
    about: 'The memo `verified` of `verifyBackups`.',
    schema: verifyProgress,
  },
  {
    title: 'Coverage statement',
    about:
      'The result of `verifyBackups`, the details of its failure `VERIFY_FAILED`, and what `verify --json` prints.',
    schema: coverage,
  },
  {
    title: 'Status of a copy',
    about: 'The query `status` of `copyBackups`.',
    schema: copyStatus,
  },
  {
    title: 'Result of a copy',
    about:
      'The result of `copyBackups`, the details of its failure `COPY_INCOMPLETE`, and what `copy --json` prints.',
    schema: copyResult,
  },
  {
    title: '`repository list --json`',
    about: 'The backups of a storage. What only manifests and folders say is there with `--sizes`.',
    schema: backupList,
  },
  {
    title: '`repository show --json`',
    about: 'All about one backup.',
    schema: shownBackup,
  },
  {
    title: '`repository stats --json`',
    about: 'How much a storage holds, how it grows, and what nobody names.',
    schema: storageStats,
  },
  {
    title: '`repository index --json`',
    about: 'What it also writes into the storage as `aptos-backup/latest.json`, with a digest.',
    schema: latest,
  },
  {
    title: 'Status of the limiter of a node',
    about: 'The query `status` of `limitNode`.',
    schema: nodeLimiterStatus,
  },
  {
    title: 'Result of a compaction',
    about: 'The result of `compactMetadata`, and what `backup-maintenance compact --json` prints.',
    schema: compaction,
  },
  {
    title: 'Consolidation',
    about:
      'The query `status` and the result of `consolidateBackups`, the details of its failure `CONSOLIDATION_DAMAGE`, and what `backup-maintenance consolidate --json` prints.',
    schema: consolidation,
  },
  {
    title: '`restore plan --json`',
    about: 'What the stock tool will do.',
    schema: restorePlan,
  },
  {
    title: 'Status of a drill',
    about: 'The query `status` of `restoreDrill`.',
    schema: drillStatus,
  },
  {
    title: 'Report of a drill',
    about:
      'The result of `restoreDrill`, the details of its failure `DRILL_FAILED`, and what `restore drill --json` prints.',
    schema: drillReport,
  },
  {
    title: 'Result of a prune',
    about:
      'The result of `pruneBackups`, the details of its failure `PRUNE_REFUSED`, and what `repository prune --json` prints.',
    schema: pruneAnswer,
  },
  {
    title: 'Result of a gc',
    about: 'The result of `collectGarbage`, and what `repository gc --json` prints.',
    schema: gcAnswer,
  },
];

/** The tables of all answers, as paragraphs of Markdown. */
export function describeAnswers(): string[] {
  return ANSWERS.flatMap(({ title, about, schema, only }) => {
    const entries = Object.entries(schema.entries);
    const told = entries.filter(([name]) => only === undefined || only.includes(name));
    const rows = told.flatMap(([name, field]) => rowsOf(name, field));
    const table = ['| Field | Type | Meaning |', '| --- | --- | --- |', ...rows];
    return [`### ${title}`, about, table.join('\n')];
  });
}

/** One row for a field, and one for each field of the objects in it. */
function rowsOf(name: string, field: Schema): string[] {
  const inner = unwrapped(field);
  const absent = inner === field ? '' : ', or absent';
  const row = `| \`${name}\` | ${typeOf(inner)}${absent} | ${v.getDescription(inner) ?? ''} |`;
  const { item, at } = itemOf(inner, name);
  // The three streams have the same fields: they are told once.
  const [[first, stream] = [], ...others] = Object.entries(item?.entries ?? {});
  if (first === 'epoch_ending' && others.length === 2) {
    const { item: of, at: inside } = itemOf(unwrapped(stream!), `${at}.*`);
    const fields = Object.entries(of?.entries ?? {});
    return [row, ...fields.flatMap(([key, one]) => rowsOf(`${inside}.${key}`, one))];
  }
  return [
    row,
    ...Object.entries(item?.entries ?? {}).flatMap(([key, one]) => rowsOf(`${at}.${key}`, one)),
  ];
}

interface Schema extends v.GenericSchema {
  entries?: Record<string, Schema>;
  item?: Schema;
  wrapped?: Schema;
  options?: readonly string[];
  literal?: unknown;
}

function unwrapped(schema: Schema): Schema {
  return schema.wrapped ?? schema;
}

/** The object that a field is, or a list of which it is. */
function itemOf(schema: Schema, name: string): { item: Schema | undefined; at: string } {
  return schema.item ? { item: schema.item, at: `${name}[]` } : { item: schema, at: name };
}

function typeOf(schema: Schema): string {
  const title = v.getTitle(schema);
  if (title !== undefined) return title;
  if (schema.options) return schema.options.map((option) => `\`${option}\``).join(', ');
  if (schema.item) return `list of ${schema.item.entries ? 'objects' : typeOf(schema.item)}`;
  if (schema.type === 'literal') return `\`${String(schema.literal)}\``;
  return schema.type === 'record' ? 'numbers by name' : schema.type;
}
