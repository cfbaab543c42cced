import * as v from 'valibot';
import { commonFields } from './backup-input.js';
import type { StorageConfig } from './job.js';
import { InputError, count, flag, object, parse, show, u64 } from './schema.js';

const DAY_MS = 86_400_000;
const UNITS = { h: 3_600_000, d: DAY_MS, w: 7 * DAY_MS, y: 366 * DAY_MS };
const MOST_KEPT = 1_000_000n;
/** What is retired is kept for a week, so that a mistake can be taken back. */
export const DEFAULT_GRACE = '7d';

/** A time as people write it: `36h`, `30d`, `8w`, `2y`. */
const span = v.pipe(
  v.custom<string>(
    (value) => typeof value === 'string' && msOf(value) !== undefined,
    ({ input }) => `must be a time like 36h, 30d, 8w or 2y, not ${show(input)}`,
  ),
  v.title('time, like `30d`'),
);

/** Milliseconds; undefined for anything else. */
function msOf(text: string): number | undefined {
  const [, number, unit] = /^(0|[1-9][0-9]{0,4})(h|d|w|y)$/.exec(text) ?? [];
  return number === undefined ? undefined : Number(number) * UNITS[unit as keyof typeof UNITS];
}

const grace = v.optional(
  v.pipe(
    span,
    v.description(
      'how long data stays after its metadata was retired, by the clock of the storage',
    ),
  ),
  DEFAULT_GRACE,
);

export const pruneFields = {
  storage: commonFields.storage,
  keep_last: v.optional(v.pipe(count(MOST_KEPT), v.description('keep so many newest snapshots'))),
  keep_daily: v.optional(
    v.pipe(span, v.description('keep the newest snapshot of each day (UTC), for this time')),
  ),
  keep_weekly: v.optional(
    v.pipe(
      span,
      v.description('keep the newest snapshot of each week (from Monday), for this time'),
    ),
  ),
  keep_monthly: v.optional(
    v.pipe(span, v.description('keep the newest snapshot of each month, for this time')),
  ),
  transactions_from: v.optional(
    v.pipe(u64, v.description('retire transaction backups that end below this version')),
  ),
  epoch_endings_from: v.optional(
    v.pipe(u64, v.description('retire epoch endings of backups that end below this version')),
  ),
  grace,
  force: v.optional(
    v.pipe(flag, v.description('retire even if the stock tool can restore less afterwards')),
    false,
  ),
};
const pruneInput = object(pruneFields);

/** Input of `pruneBackups`. At least one rule is needed; what no rule is about is kept. */
export type PruneInput = v.InferInput<typeof pruneInput>;

/** What to keep, and what a run may do. */
export interface PruneOrder {
  storage: StorageConfig;
  rules: PruneRules;
  graceMs: number;
  force: boolean;
}

export interface PruneRules {
  last?: number | undefined;
  dailyMs?: number | undefined;
  weeklyMs?: number | undefined;
  monthlyMs?: number | undefined;
  transactionsFrom?: string | undefined;
  epochEndingsFrom?: string | undefined;
}

/** @throws InputError naming the field */
export function parsePruneInput(raw: unknown): PruneOrder {
  const fields = parse(pruneInput, raw);
  const ms = (text: string | undefined) => (text === undefined ? undefined : msOf(text));
  const rules = {
    last: fields.keep_last === undefined ? undefined : Number(fields.keep_last),
    dailyMs: ms(fields.keep_daily),
    weeklyMs: ms(fields.keep_weekly),
    monthlyMs: ms(fields.keep_monthly),
    transactionsFrom: fields.transactions_from?.toString(),
    epochEndingsFrom: fields.epoch_endings_from?.toString(),
  };
  if (Object.values(rules).every((rule) => rule === undefined)) {
    throw new InputError(
      'give at least one rule: keep_last, keep_daily, keep_weekly, keep_monthly, transactions_from or epoch_endings_from',
    );
  }
  return { storage: fields.storage, rules, graceMs: msOf(fields.grace)!, force: fields.force };
}

export const gcFields = {
  storage: commonFields.storage,
  grace: v.optional(
    v.pipe(
      span,
      v.description(
        'remove data that was retired at least this time ago; absent: the grace time that was given when it was retired counts',
      ),
    ),
  ),
};
const gcInput = object(gcFields);

/** Input of `collectGarbage`. */
export type GcInput = v.InferInput<typeof gcInput>;

export interface GcOrder {
  storage: StorageConfig;
  graceMs?: number | undefined;
}

/** @throws InputError naming the field */
export function parseGcInput(raw: unknown): GcOrder {
  const { storage, grace: given } = parse(gcInput, raw);
  return { storage, graceMs: given === undefined ? undefined : msOf(given) };
}
