import * as v from 'valibot';
import type { BackupType, Controls, JobFor, JobSettings, StorageConfig, TargetOf } from './job.js';
import { type Kinds, rulesOf } from './kinds/index.js';
import {
  DEFAULT_MAX_CHUNK_SIZE,
  concurrency,
  maxChunkSize,
  network,
  node,
  nodes,
  storage,
  waypoints,
} from './input-fields.js';
import { nodeLimitFields, nodeLimitsOf } from './node-limits.js';
import { flag, mustBe, object, parse } from './schema.js';

export const DEFAULT_CONCURRENCY = 4;

/**
 * Fields of the inputs of a coordinator and of the three backups. u64 values are decimal strings, or
 * numbers below 2^53.
 */
export const commonFields = {
  node: v.pipe(
    nodes,
    v.description(
      "URL of the node's backup service; or a list of up to 16 URLs of nodes of one chain, preferred node first",
    ),
  ),
  storage: v.pipe(storage, v.description('where backups go')),
  network: v.optional(
    v.pipe(
      network,
      v.description(
        "name of a known network, or `custom:NAME` for another chain; checked against the node's genesis",
      ),
    ),
  ),
  trust_waypoints: v.optional(v.pipe(waypoints, v.description('the waypoints that you trust')), []),
  max_chunk_size: v.optional(
    v.pipe(maxChunkSize, v.description('bytes at which a chunk file is cut')),
    DEFAULT_MAX_CHUNK_SIZE,
  ),
  concurrency: v.optional(
    v.pipe(
      concurrency,
      v.description('ranges in flight, in each backup; can be changed while it runs'),
    ),
    DEFAULT_CONCURRENCY,
  ),
  existing_storage: v.optional(
    v.pipe(
      flag,
      v.description('the storage exists already: an empty folder in its place is an outage'),
    ),
    false,
  ),
  ...nodeLimitFields,
};

const whenBlocked = v.optional(
  v.pipe(
    v.picklist(['wait', 'fail'], mustBe('"wait" or "fail"')),
    v.description('when a range fails for good: `wait` for a fix and `retry`, or `fail`'),
  ),
  'wait',
);

export const backupFields = { ...commonFields, when_blocked: whenBlocked };
type WithoutRange = v.ObjectSchema<typeof backupFields, undefined>;
export type CommonInput = v.InferInput<WithoutRange>;

/** What the workflow of a kind takes. */
export type InputOf<K extends BackupType> = {
  [T in K]: CommonInput & { [Name in keyof Kinds[T]['fields']]: string | number };
}[K];

export interface ParsedInput<K extends BackupType> {
  job: JobFor<K>;
  controls: Controls;
}

/** Validates the JSON input of a workflow. @throws InputError naming the field */
export function parseInput<K extends BackupType>(type: K, raw: unknown): ParsedInput<K> {
  const rules = rulesOf(type);
  const schema = object<v.ObjectEntries>({ ...backupFields, ...rules.fields });
  const said = parse(schema, raw) as Kinds[K]['fields'];
  const fields = said as Kinds[K]['fields'] & v.InferOutput<WithoutRange>;
  return {
    job: { ...settingsOf(fields), target: rules.targetOf(said) },
    controls: { concurrency: fields.concurrency, whenBlocked: fields.when_blocked },
  };
}

/** The range of one backup. @throws InputError naming the field */
export function parseTarget<K extends BackupType>(type: K, raw: unknown): TargetOf<K> {
  const rules = rulesOf(type);
  const schema = object<v.ObjectEntries>(rules.fields);
  return rules.targetOf(parse(schema, raw, 'the range') as Kinds[K]['fields']);
}

const common = object(commonFields);

/** The settings of a job (all but its range) from parsed fields. */
export function settingsOf(fields: v.InferOutput<typeof common>): JobSettings {
  return {
    nodes: fields.node,
    storage: fields.storage,
    network: fields.network,
    trustWaypoints: fields.trust_waypoints,
    maxChunkSize: fields.max_chunk_size,
    existingStorage: fields.existing_storage ? true : undefined,
    nodeLimits: nodeLimitsOf(fields),
  };
}

/** @throws InputError naming the field */
export function parseSettings(raw: unknown): JobSettings {
  return settingsOf(parse(common, raw));
}

/** Parses the concurrency: how many ranges may be in flight. @throws InputError */
export function parseConcurrency(raw: unknown): number {
  return parse(concurrency, raw, 'concurrency');
}

export function isConcurrency(value: unknown): value is number {
  return v.is(concurrency, value);
}

/** @throws InputError */
export function parseNetwork(raw: unknown): string | undefined {
  return parse(v.optional(network), raw, 'network');
}

/** Parses the URL of a backup service. Slashes at its end are cut off. @throws InputError */
export function parseNode(raw: unknown): string {
  return parse(node, raw, 'node');
}

/** Parses one URL, or a list of different ones. @throws InputError */
export function parseNodes(raw: unknown): string[] {
  return parse(nodes, raw, 'node');
}

/** @throws InputError */
export function parseStorage(raw: unknown): StorageConfig {
  return parse(storage, raw, 'storage');
}
