import * as v from 'valibot';
import { commonFields } from './backup-input.js';
import { concurrency, storage } from './input-fields.js';
import { wholeNumber } from './shape.js';
import { InputError, count, flag, mustBe, object, parse } from './schema.js';
import { parseU64 } from '../lib/u64.js';
import type { CopyScope, CopySettings } from './copying.js';
import { isNested, isSamePlace, storageName } from './storage-name.js';

const DEFAULT_LANES = 4;
const SAFE = BigInt(Number.MAX_SAFE_INTEGER);

const range = v.pipe(
  v.custom<string>(
    (value) => typeof value === 'string' && rangeOf(value) !== undefined,
    mustBe('a range like "1000-1999"'),
  ),
  v.title('`FIRST-LAST`'),
);

function rangeOf(text: string): { first: string; last: string } | undefined {
  const [, a, b] = /^([0-9]{1,20})-([0-9]{1,20})$/.exec(text) ?? [];
  const [first, last] = [parseU64(a), parseU64(b)];
  if (first === undefined || last === undefined || first > last) return undefined;
  return { first: `${first}`, last: `${last}` };
}

const since = v.pipe(
  v.custom<string | number>(
    (value) => sinceOf(value) !== undefined,
    mustBe('a version, or a time like "2026-11-01T00:00:00Z"'),
  ),
  v.title('u64 or ISO time'),
);

const ISO = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/;

function sinceOf(value: unknown): CopyScope['since'] {
  const version = parseU64(value);
  if (version !== undefined) return { version: `${version}` };
  if (typeof value !== 'string' || !ISO.test(value) || Number.isNaN(Date.parse(value))) {
    return undefined;
  }
  return { time: new Date(value).toISOString() };
}

export const copyFields = {
  from: v.pipe(storage, v.description('the storage that is copied')),
  to: v.pipe(storage, v.description('the storage that gets the backups; a new one is begun')),
  network: commonFields.network,
  trust_waypoints: commonFields.trust_waypoints,
  versions: v.optional(
    v.pipe(range, v.description('only transactions and snapshots of these versions')),
  ),
  epochs: v.optional(
    v.pipe(range, v.description('only transactions and snapshots of these epochs')),
  ),
  newest_snapshot: v.optional(
    v.pipe(
      flag,
      v.description('of the snapshots only the newest, and only the transactions from there on'),
    ),
    false,
  ),
  since: v.optional(
    v.pipe(since, v.description('only transactions and snapshots from this version or time on')),
  ),
  bytes_per_second: v.optional(
    v.pipe(
      count(SAFE),
      v.description('most bytes that are read in a second, and most that are written'),
    ),
  ),
  requests_per_second: v.optional(
    v.pipe(count(SAFE), v.description('most requests in a second, to each of the two storages')),
  ),
  concurrency: v.optional(v.pipe(concurrency, v.description('tasks in flight')), DEFAULT_LANES),
  existing_target: v.optional(
    v.pipe(flag, v.description('the target was copied to before: an empty one is an outage')),
    false,
  ),
};
const copyInput = object(copyFields);

/** Input of `copyBackups`. All fields but the storages are optional. Without them, everything is copied. */
export type CopyInput = v.InferInput<typeof copyInput>;

/** For all lanes together. Absent: no limit. */
export type CopyLimits = v.InferOutput<typeof copyLimits>;
export const copyLimits = v.object({
  bytesPerSecond: v.exactOptional(wholeNumber),
  requestsPerSecond: v.exactOptional(wholeNumber),
});

export interface ParsedCopy {
  settings: CopySettings;
  scope: CopyScope;
  limits: CopyLimits;
  concurrency: number;
}

/** @throws InputError naming the field */
export function parseCopyInput(raw: unknown): ParsedCopy {
  const fields = parse(copyInput, raw);
  const { from, to, network, versions, epochs, bytes_per_second: bytes } = fields;
  const { requests_per_second: requests } = fields;
  if (isSamePlace(from, to)) {
    throw new InputError(`from names the storage that gets the copy, too: ${storageName(from)}`);
  }
  if (isNested(from, to)) {
    const names = `${storageName(from)} and ${storageName(to)}`;
    throw new InputError(
      `from must not be inside the storage that gets the copy, nor around it: ${names}; give the copy a place of its own`,
    );
  }
  if (versions !== undefined && epochs !== undefined) {
    throw new InputError('versions and epochs cannot be given together; give one of them');
  }
  const start = fields.since === undefined ? undefined : sinceOf(fields.since);
  return {
    settings: {
      ...{ from, to, network, trustWaypoints: fields.trust_waypoints },
      ...(fields.existing_target ? { existingTarget: true } : {}),
    },
    scope: {
      ...(versions === undefined ? {} : { versions: rangeOf(versions)! }),
      ...(epochs === undefined ? {} : { epochs: rangeOf(epochs)! }),
      ...(fields.newest_snapshot ? { newestSnapshot: true } : {}),
      ...(start === undefined ? {} : { since: start }),
    },
    limits: limitsOf(bytes, requests),
    concurrency: fields.concurrency,
  };
}

/** The limits of a copy from the fields of an input. */
export function limitsOf(bytes: bigint | undefined, requests: bigint | undefined): CopyLimits {
  return {
    ...(bytes === undefined ? {} : { bytesPerSecond: Number(bytes) }),
    ...(requests === undefined ? {} : { requestsPerSecond: Number(requests) }),
  };
}

const limitFields = object({
  bytes_per_second: copyFields.bytes_per_second,
  requests_per_second: copyFields.requests_per_second,
});

/** Reads limits as the fields of an input; undefined: the value is none. */
export function readLimits(raw: unknown): CopyLimits | undefined {
  const { success, output } = v.safeParse(limitFields, raw);
  if (!success) return undefined;
  return limitsOf(output.bytes_per_second, output.requests_per_second);
}
