import * as v from 'valibot';
import { commonFields } from './backup-input.js';
import { concurrency } from './input-fields.js';
import { consolidation, type Consolidation } from './answers/consolidation-answers.js';
import { InputError, count, flag, parse, object } from './schema.js';
import { u64Text } from './shape.js';
import type { VerifySettings } from './verification.js';

const DEFAULT_BATCH_SIZE = 1_000_000;
const DEFAULT_GRACE_DAYS = 7;
const MOST_BATCH = 1_000_000_000n;
const DAY_MS = 86_400_000;

export const consolidateFields = {
  storage: commonFields.storage,
  network: commonFields.network,
  trust_waypoints: commonFields.trust_waypoints,
  transaction_batch_size: v.optional(
    v.pipe(
      count(MOST_BATCH),
      v.description('versions of a full batch, as the coordinator and the stock tool count them'),
    ),
    DEFAULT_BATCH_SIZE,
  ),
  max_chunk_size: commonFields.max_chunk_size,
  grace_days: v.optional(
    v.pipe(
      count(3650n),
      v.description('days that the folders of small backups stay before they may be removed'),
    ),
    DEFAULT_GRACE_DAYS,
  ),
  dry_run: v.optional(v.pipe(flag, v.description('only say what would be done')), false),
  concurrency: v.optional(v.pipe(concurrency, v.description('batches in work at once')), 1),
};
const consolidateInput = object(consolidateFields);

/** Input of `consolidateBackups`. All fields but the storage are optional. */
export type ConsolidateInput = v.InferInput<typeof consolidateInput>;

export interface ParsedConsolidate {
  settings: VerifySettings;
  batchSize: string;
  maxChunkSize: number;
  graceMs: number;
  dryRun: boolean;
  concurrency: number;
}

/** @throws InputError naming the field */
export function parseConsolidateInput(raw: unknown): ParsedConsolidate {
  const fields = parse(consolidateInput, raw);
  const { storage, network, trust_waypoints: trustWaypoints } = fields;
  return {
    settings: { storage, network, trustWaypoints },
    batchSize: `${fields.transaction_batch_size}`,
    maxChunkSize: fields.max_chunk_size,
    graceMs: Number(fields.grace_days) * DAY_MS,
    dryRun: fields.dry_run,
    concurrency: fields.concurrency,
  };
}

/** What one run of a consolidation hands to the next. */
export type ConsolidateMemory = { from: string; totals: Consolidation };
const memorySchema = v.object({ from: u64Text, totals: consolidation });

/** Parses the second argument of a consolidation, which only itself gives. @throws InputError */
export function parseConsolidateMemory(raw: unknown): ConsolidateMemory | undefined {
  if (raw === undefined) return undefined;
  const { success, output } = v.safeParse(memorySchema, raw);
  if (success) return output;
  throw new InputError(
    'the second argument is only for a consolidation that continues itself; start it with one argument',
  );
}
