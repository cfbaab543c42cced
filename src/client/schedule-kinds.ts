import { type CompactionInput, parseCompactionInput } from '../contract/compaction-input.js';
import { parseConsolidateInput } from '../contract/consolidate-input.js';
import { parseCopyInput } from '../contract/copy-input.js';
import { type CoordinatorInput, parseDueInput } from '../contract/coordinator-input.js';
import { parseDrillInput } from '../contract/drill-input.js';
import type { BackupType, StorageConfig } from '../contract/job.js';
import { BACKUP_TYPES, rulesOf } from '../contract/kinds/index.js';
import { type PruneInput, parseGcInput, parsePruneInput } from '../contract/retention-input.js';
import { InputError } from '../contract/schema.js';
import { didYouMean } from '../lib/nearest.js';
import { parseVerifyInput } from '../contract/verify-input.js';

/** What only some kinds of schedules take. */
export interface OwnInput {
  /** How much each verification reads. */
  sample?: string;
  /** Of drills. */
  stock_binary?: string;
  /** Of drills. */
  scratch?: string;
  /** Where copies go. */
  to?: StorageConfig;
  /** How each compaction compacts. */
  compaction?: Omit<CompactionInput, 'storage'>;
  /** What each prune keeps. A gc takes the grace time alone. */
  prune?: Omit<PruneInput, 'storage'>;
}

/** The input for a new schedule. */
export type ScheduleInput = CoordinatorInput & OwnInput;

/** How an operator names each of them. */
const WORDS: Record<keyof OwnInput, string> = {
  sample: 'a sample',
  stock_binary: 'a stock binary',
  scratch: 'a scratch folder',
  to: 'a storage to copy to',
  compaction: 'compact factors',
  prune: 'keep rules',
};

interface Kind {
  /** The default interval. */
  every: string;
  note: string;
  workflowType: string;
  takes: readonly (keyof OwnInput)[];
  /** Makes the input that every run gets. */
  input: (input: ScheduleInput) => object;
  /** @throws InputError */
  check: (input: object) => unknown;
}

/** The kinds of schedules that we create. */
const KINDS: Record<string, Kind> = {
  ...Object.fromEntries(BACKUP_TYPES.map((type) => [type.replace('_', '-'), dueOf(type)])),
  due: due('10m', 'everything that is due', BACKUP_TYPES),
  verify: {
    every: '1d',
    note: 'a verification',
    workflowType: 'verifyBackups',
    takes: ['sample'],
    input: ({ sample, ...input }) => ({
      ...provenBy(input),
      // Runs skip what was proven and has not changed. A sample must be read again, so `again` is set.
      sample,
      again: sample === undefined ? undefined : true,
    }),
    check: parseVerifyInput,
  },
  drill: {
    every: '7d',
    note: 'a restore drill',
    workflowType: 'restoreDrill',
    takes: ['stock_binary', 'scratch'],
    input: ({ stock_binary, scratch, ...input }) => ({
      ...provenBy(input),
      stock_binary,
      scratch,
    }),
    check: parseDrillInput,
  },
  copy: {
    every: '1h',
    note: 'a copy',
    workflowType: 'copyBackups',
    takes: ['to'],
    input: ({ to, ...input }) => {
      const { storage: from, ...trust } = provenBy(input);
      return { from, to, ...trust };
    },
    check: checkCopy,
  },
  compact: {
    every: '1d',
    note: 'a compaction of metadata',
    workflowType: 'compactMetadata',
    takes: ['compaction'],
    input: ({ storage, compaction }) => ({ storage, ...compaction }),
    check: parseCompactionInput,
  },
  prune: {
    every: '1d',
    note: 'a prune by keep rules',
    workflowType: 'pruneBackups',
    takes: ['prune'],
    input: ({ storage, prune }) => ({ storage, ...prune }),
    check: parsePruneInput,
  },
  gc: {
    every: '1d',
    note: 'a gc',
    workflowType: 'collectGarbage',
    takes: ['prune'],
    input: ({ storage, prune }) => ({ storage, ...prune }),
    check: parseGcInput,
  },
  consolidate: {
    every: '1d',
    note: 'a consolidation of small batches',
    workflowType: 'consolidateBackups',
    takes: [],
    input: ({ transaction_batch_size, max_chunk_size, ...input }) => ({
      ...provenBy(input),
      transaction_batch_size,
      max_chunk_size,
    }),
    check: parseConsolidateInput,
  },
};
export const SCHEDULE_KINDS = Object.keys(KINDS);

function dueOf(type: BackupType): Kind {
  const { after, schedule } = rulesOf(type);
  return due(schedule.every, schedule.note, [...after, type]);
}

function due(every: string, note: string, types: readonly BackupType[]): Kind {
  const input = (given: ScheduleInput) => {
    const own = new Set(Object.keys(WORDS));
    const common = Object.entries(given).filter(([name]) => !own.has(name));
    return { ...Object.fromEntries(common), types };
  };
  return { every, note, workflowType: 'backupDue', takes: [], input, check: parseDueInput };
}

function checkCopy(input: object): unknown {
  if ((input as { to?: StorageConfig }).to !== undefined) return parseCopyInput(input);
  throw new InputError('a schedule of copies needs the storage to copy to: --to URL');
}

/** The storage, and what proves its chain. */
function provenBy({ storage, network, trust_waypoints }: CoordinatorInput) {
  return { storage, network, trust_waypoints };
}

/** The kind of a schedule, and the checked input for its runs. @throws InputError */
export function kindOfSchedule(kind: string, input: ScheduleInput): Kind & { fixed: object } {
  // Names like `constructor` are those of every object, and no kinds.
  const settings = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (!settings) {
    const meant = didYouMean(kind, SCHEDULE_KINDS) || ';';
    throw new InputError(
      `unknown kind "${kind}"${meant} a schedule is one of ${SCHEDULE_KINDS.join(', ')}`,
    );
  }
  for (const name of Object.keys(WORDS) as (keyof OwnInput)[]) {
    if (isGiven(input[name]) && !settings.takes.includes(name)) {
      const of = SCHEDULE_KINDS.filter((one) => KINDS[one]!.takes.includes(name)).join(' or ');
      throw new InputError(`only a schedule of kind ${of} takes ${WORDS[name]}`);
    }
  }
  const fixed = settings.input(input);
  settings.check(fixed);
  return { ...settings, fixed };
}

/** How often a schedule of this kind runs if nothing says it. */
export function everyByDefault(kind: string): string | undefined {
  return KINDS[kind]?.every;
}

function isGiven(value: object | string | undefined): boolean {
  return typeof value === 'object' ? Object.keys(value).length > 0 : value !== undefined;
}
