import * as v from 'valibot';
import { commonFields, parseTarget, settingsOf } from './backup-input.js';
import { copyFields, limitsOf } from './copy-input.js';
import { storage } from './input-fields.js';
import { isSamePlace, storageName } from './storage-name.js';
import { type CoordinatorSettings, STREAMS } from './coordinator-state.js';
import type { BackupType, Target } from './job.js';
import { nodeLimitInput } from './node-limits.js';
import { InputError, count, inWords, mustBe, object, parse, whole } from './schema.js';

export const DEFAULT_BATCH_SIZE = '1000000';
export const DEFAULT_BATCH_SECONDS = 600;
/**
 * A listing of a bucket has a thousand names a page, so up to here one request tells all names. By default it is about
 * a week of a busy chain.
 */
const DEFAULT_COMPACT_ABOVE = 1000;
const MOST_FILES = 10_000_000n;
export const YEAR_SECONDS = 31_536_000n;
const MOST_UNITS = 400n;

/** What both a coordinator and one turn of it take. */
const streamFields = {
  ...commonFields,
  state_snapshot_interval_epochs: v.optional(
    v.pipe(count(), v.description('take a snapshot at the end of every n-th epoch')),
    1,
  ),
  transaction_batch_size: v.optional(
    v.pipe(count(), v.description('transactions of a full batch')),
    DEFAULT_BATCH_SIZE,
  ),
  transaction_batch_seconds: v.optional(
    v.pipe(
      count(YEAR_SECONDS),
      v.description('an open batch closes after this many seconds, even if it is not full'),
    ),
    DEFAULT_BATCH_SECONDS,
  ),
  compact_above_files: v.optional(
    v.pipe(
      whole(0n, MOST_FILES),
      v.description(
        'a coordinator compacts the metadata when more than this many of its files are not compacted yet; 0: never',
      ),
    ),
    DEFAULT_COMPACT_ABOVE,
  ),
};

export const coordinatorFields = {
  ...streamFields,
  copy_to: v.optional(
    v.pipe(
      storage,
      v.description('a second storage that is kept in step; a new one is begun; absent: none'),
    ),
  ),
  copy_bytes_per_second: copyFields.bytes_per_second,
  copy_requests_per_second: copyFields.requests_per_second,
};
const coordinatorInput = object(coordinatorFields);

/** Input of `backupCoordinator`, and of its update `configure`. */
export type CoordinatorInput = v.InferInput<typeof coordinatorInput>;

/** What the update `configure` takes: null takes a field back to its default. */
export type SettingsChange = { [K in keyof CoordinatorInput]?: CoordinatorInput[K] | null };

/** @throws InputError naming the field */
export function parseCoordinatorInput(raw: unknown): CoordinatorSettings {
  const fields = parse(coordinatorInput, raw);
  return {
    ...settingsOf(fields),
    concurrency: fields.concurrency,
    snapshotInterval: `${fields.state_snapshot_interval_epochs}`,
    batchSize: `${fields.transaction_batch_size}`,
    batchSeconds: Number(fields.transaction_batch_seconds),
    compactAboveFiles: Number(fields.compact_above_files),
    ...copyOf(fields),
  };
}

/** The input that gives these settings. `parseCoordinatorInput` is the way back. */
function inputOf(settings: CoordinatorSettings) {
  const { compactAboveFiles, existingStorage } = settings;
  return {
    node: settings.nodes,
    storage: settings.storage,
    network: settings.network,
    trust_waypoints: settings.trustWaypoints,
    max_chunk_size: settings.maxChunkSize,
    concurrency: settings.concurrency,
    existing_storage: existingStorage,
    ...nodeLimitInput(settings.nodeLimits),
    state_snapshot_interval_epochs: settings.snapshotInterval,
    transaction_batch_size: settings.batchSize,
    transaction_batch_seconds: settings.batchSeconds,
    compact_above_files: compactAboveFiles ?? 0,
    copy_to: settings.copyTo,
    copy_bytes_per_second: settings.copyLimits?.bytesPerSecond,
    copy_requests_per_second: settings.copyLimits?.requestsPerSecond,
  } satisfies Record<keyof typeof coordinatorFields, unknown>;
}

/**
 * The settings after a change. `raw` has the fields of the input that change, and null for those that go back to their
 * defaults; what it does not name stays. `changes` says each in words: `concurrency 4 -> 8`.
 * @throws InputError naming the field
 */
export function changeSettings(
  before: CoordinatorSettings,
  raw: unknown,
): { settings: CoordinatorSettings; changes: string[] } {
  const asked = parse(change, raw);
  const given = Object.entries(asked).filter(([, value]) => value !== undefined);
  const changed = given.map(([name, value]) => [name, value ?? undefined]);
  const settings = parseCoordinatorInput({ ...inputOf(before), ...Object.fromEntries(changed) });
  const [old, now] = [inputOf(before), inputOf(settings)].map((fields) => Object.entries(fields));
  const changes = now!.flatMap(([name, value], i) => {
    const was = old![i]![1];
    const [from, to] = [inWords(was), inWords(value)];
    return from === to ? [] : [`${name} ${from} -> ${to}`];
  });
  return { settings, changes };
}

/** The settings that may change, by the names of their fields, in words. */
export function settingsInWords(settings: CoordinatorSettings): Record<string, string> {
  const { storage: _, existing_storage: _e, ...fields } = inputOf(settings);
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, inWords(value)] as const),
  );
}

const change = v.looseObject({}, mustBe('one JSON object'));

function copyOf(
  fields: v.InferOutput<typeof coordinatorInput>,
): Pick<CoordinatorSettings, 'copyTo' | 'copyLimits'> {
  const { storage: own, copy_to: copyTo } = fields;
  const { copy_bytes_per_second: bytes, copy_requests_per_second: requests } = fields;
  const copyLimits = limitsOf(bytes, requests);
  if (copyTo === undefined) {
    const [limit] = Object.keys(copyLimits);
    if (limit === undefined) return {};
    throw new InputError('limits of a copy were given without copy_to, which says where it is');
  }
  if (isSamePlace(own, copyTo)) {
    throw new InputError(`copy_to is the storage itself: ${storageName(own)}`);
  }
  return { copyTo, copyLimits };
}

const stream = v.picklist(STREAMS, `must be one of ${STREAMS.join(', ')}`);

export const dueFields = {
  ...streamFields,
  types: v.optional(
    v.pipe(
      v.array(stream, `must be a list of ${STREAMS.join(', ')}`),
      v.readonly(),
      v.description('which streams'),
    ),
    STREAMS,
  ),
  most_units: v.optional(
    v.pipe(count(MOST_UNITS), v.description('most units that one run makes')),
    100,
  ),
};
const dueInput = object(dueFields);

/** Input of `backupDue`: the input of a coordinator, and the streams to back up. */
export type DueInput = v.InferInput<typeof dueInput>;

/** @throws InputError naming the field */
export function parseDueInput(raw: unknown): { types: readonly BackupType[]; mostUnits: number } {
  const { types, most_units: most } = parse(dueInput, raw);
  return { types, mostUnits: Number(most) };
}

/** Parses the argument of `pause` and `resume`: one stream, or nothing for all. @throws InputError */
export function parseStreams(raw: unknown): readonly BackupType[] {
  if (raw === undefined || raw === null) return STREAMS;
  if (v.is(stream, raw)) return [raw];
  throw new InputError(`say which stream: one of ${STREAMS.join(', ')}, or nothing for all`);
}

/** Argument of `backUpNow`: a stream, and optionally a range. */
export interface NowRequest {
  type: BackupType;
  /** Undefined: everything that the node has now. */
  target: Target | undefined;
}

const request = v.looseObject({ type: stream }, mustBe('one JSON object'));

/** @throws InputError naming the field */
export function parseNow(raw: unknown): NowRequest {
  const { type, ...range } = parse(request, raw, 'the request');
  const target = Object.keys(range).length === 0 ? undefined : parseTarget(type, range);
  return { type, target };
}
