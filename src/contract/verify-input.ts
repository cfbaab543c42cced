import * as v from 'valibot';
import { commonFields } from './backup-input.js';
import { concurrency } from './input-fields.js';
import { InputError, count, flag, mustBe, object, parse, u64 } from './schema.js';
import type { VerifyScope, VerifySettings } from './verification.js';

const DEFAULT_LANES = 2;
const SAFE = BigInt(Number.MAX_SAFE_INTEGER);

const sample = v.pipe(
  v.custom<string>(
    (value) => typeof value === 'string' && sampleOf(value) !== undefined,
    'must be a part like "2/7" or a share like "5%"',
  ),
  v.title('`PART/OF` or `PERCENT%`'),
);

/** What `sample` says; undefined for a text that says nothing. */
export function sampleOf(text: string): Pick<VerifyScope, 'sample' | 'percent'> | undefined {
  const part = /^([1-9][0-9]{0,3})\/([1-9][0-9]{0,3})$/.exec(text);
  if (part && Number(part[1]) <= Number(part[2])) {
    return { sample: { part: Number(part[1]), of: Number(part[2]) } };
  }
  const percent = /^([0-9]{1,2}(?:\.[0-9]{1,3})?|100)%$/.exec(text);
  return percent && Number(percent[1]) > 0 ? { percent: Number(percent[1]) } : undefined;
}

export const verifyFields = {
  storage: commonFields.storage,
  network: commonFields.network,
  trust_waypoints: commonFields.trust_waypoints,
  start_version: v.optional(
    v.pipe(u64, v.description('only transactions from this version on')),
    0,
  ),
  end_version: v.optional(
    v.pipe(u64, v.description('only transactions up to this version; absent: all')),
  ),
  state_snapshots: v.optional(
    v.pipe(
      v.picklist(['every', 'newest', 'none'], mustBe('"every", "newest" or "none"')),
      v.description('which state snapshots to verify'),
    ),
    'every',
  ),
  state_snapshot_before_version: v.optional(
    v.pipe(u64, v.description('only snapshots at or below this version; absent: all')),
  ),
  sample: v.optional(
    v.pipe(
      sample,
      v.description(
        '`2/7`: the second of seven parts, which are always the same; `5%`: the backups that were read longest ago',
      ),
    ),
  ),
  budget_bytes: v.optional(
    v.pipe(
      count(SAFE),
      v.description(
        'stop after reading this many bytes; the next run skips what is proven, so it continues there',
      ),
    ),
  ),
  budget_seconds: v.optional(
    v.pipe(
      count(SAFE),
      v.description('stop after this many seconds; the next run continues there'),
    ),
  ),
  again: v.optional(
    v.pipe(
      flag,
      v.description(
        'also read what was proven before and is unchanged; a share like `5%` always does',
      ),
    ),
    false,
  ),
  concurrency: v.optional(v.pipe(concurrency, v.description('tasks in flight')), DEFAULT_LANES),
};
const verifyInput = object(verifyFields);

/**
 * Input of `verifyBackups`. All fields but the storage are optional. Without them, everything is
 * verified.
 */
export type VerifyInput = v.InferInput<typeof verifyInput>;

export interface ParsedVerify {
  settings: VerifySettings;
  scope: VerifyScope;
  budget: { bytes: number | undefined; seconds: number | undefined };
  concurrency: number;
}

/** @throws InputError naming the field */
export function parseVerifyInput(raw: unknown): ParsedVerify {
  const fields = parse(verifyInput, raw);
  const { network, start_version: start, end_version: end } = fields;
  if (end !== undefined && end < start) {
    throw new InputError(`end_version (${end}) is below start_version (${start})`);
  }
  const before = fields.state_snapshot_before_version;
  const part = fields.sample === undefined ? undefined : sampleOf(fields.sample);
  return {
    settings: {
      storage: fields.storage,
      network,
      trustWaypoints: fields.trust_waypoints,
    },
    scope: {
      startVersion: `${start}`,
      endVersion: end?.toString(),
      snapshots: fields.state_snapshots,
      snapshotBefore: before?.toString(),
      ...part,
      again: fields.again || part?.percent !== undefined,
    },
    budget: { bytes: numberOf(fields.budget_bytes), seconds: numberOf(fields.budget_seconds) },
    concurrency: fields.concurrency,
  };
}

function numberOf(value: bigint | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}
