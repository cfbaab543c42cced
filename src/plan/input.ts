import type { BackupType, Controls, JobFor, JobSettings, StorageConfig, Target } from './job.js';
import { shorten } from './shorten.js';
import { MAX_U64, parseU64 } from './u64.js';

/** What a person typed cannot be used. The message names the field and says what is allowed. */
export class InputError extends Error {
  override readonly name = 'InputError';
  readonly code = 'INPUT_INVALID';
  readonly retryable = false;
}

export const DEFAULT_MAX_CHUNK_SIZE = 134_217_728;
export const DEFAULT_CONCURRENCY = 4;
export const MAX_CONCURRENCY = 64;
const MOST_NODES = 16;

/** Input of `epochEndingBackup`: the epochs `start_epoch` up to but excluding `end_epoch`. */
export interface EpochEndingInput extends CommonInput {
  start_epoch: string | number;
  end_epoch: string | number;
}

/** Input of `stateSnapshotBackup`: the whole state at the end of `epoch`. */
export interface StateSnapshotInput extends CommonInput {
  epoch: string | number;
}

/** Input of `transactionBackup`: `num_transactions` versions from `start_version` on. */
export interface TransactionInput extends CommonInput {
  start_version: string | number;
  num_transactions: string | number;
}

/** Fields every backup workflow takes. u64 values: decimal strings, or numbers below 2^53. */
export interface CommonInput {
  /** URL of the node's backup service, e.g. `http://localhost:6186`; or up to 16, preferred one first. */
  node: string | readonly string[];
  storage: StorageConfig;
  /** Name of a known network (or any label for others); checked against the node's genesis. */
  network?: string;
  /** `VERSION:HASH`, as many as are known. */
  trust_waypoints?: readonly string[];
  /** Bytes at which a chunk file is cut. @default 134217728 */
  max_chunk_size?: number | string;
  /** Ranges in flight; can be changed while the workflow runs. @default 4 */
  concurrency?: number;
  /** When a range fails for good: `wait` for a fix and `retry`, or `fail` the workflow. @default "wait" */
  when_blocked?: 'wait' | 'fail';
  /** The storage was begun before: an empty folder in its place is an outage. @default false */
  existing_storage?: boolean;
}

export interface ParsedInput<T extends BackupType = BackupType> {
  job: JobFor<T>;
  controls: Controls;
}

const COMMON_FIELDS = [
  'node',
  'storage',
  'network',
  'trust_waypoints',
  'max_chunk_size',
  'concurrency',
  'when_blocked',
  'existing_storage',
];

/** Validates the JSON somebody started a workflow with. @throws InputError naming the field. */
export function parseInput<T extends BackupType>(type: T, raw: unknown): ParsedInput<T> {
  const fields = asRecord('the input', raw);
  const job = { ...parseSettings(fields), target: parseTarget(type, fields) };
  return { job: job as JobFor<T>, controls: parseControls(fields) };
}

/** The range of one backup. @throws InputError naming the field */
export function parseTarget(type: BackupType, fields: Record<string, unknown>): Target {
  switch (type) {
    case 'epoch_ending': {
      rejectUnknown(fields, ['start_epoch', 'end_epoch']);
      const start = u64(fields, 'start_epoch');
      const end = u64(fields, 'end_epoch');
      if (end <= start) {
        throw new InputError(
          `end_epoch (${end}) is exclusive and must be greater than start_epoch (${start})`,
        );
      }
      return { type, first: `${start}`, last: `${end - 1n}` };
    }
    case 'state_snapshot': {
      rejectUnknown(fields, ['epoch']);
      return { type, epoch: `${u64(fields, 'epoch')}` };
    }
    case 'transaction': {
      rejectUnknown(fields, ['start_version', 'num_transactions']);
      const start = u64(fields, 'start_version');
      const count = u64(fields, 'num_transactions');
      if (count === 0n) throw new InputError('num_transactions must be at least 1');
      const last = start + count - 1n;
      if (last > MAX_U64) {
        throw new InputError(
          'start_version + num_transactions is past the largest version, 2^64-1',
        );
      }
      return { type, first: `${start}`, last: `${last}` };
    }
  }
}

/** A concurrency cap: how many ranges may be in flight. @throws InputError */
export function parseConcurrency(value: unknown): number {
  if (isConcurrency(value)) return value;
  throw new InputError(
    `concurrency must be a whole number from 1 to ${MAX_CONCURRENCY}, not ${show(value)}`,
  );
}

export function isConcurrency(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_CONCURRENCY;
}

export function parseSettings(fields: Record<string, unknown>): JobSettings {
  const network = parseNetwork(fields['network']);
  return {
    nodes: parseNodes(fields['node']),
    storage: parseStorage(fields['storage']),
    ...(network === undefined ? {} : { network }),
    trustWaypoints: parseWaypoints(fields['trust_waypoints']),
    maxChunkSize: parseChunkSize(fields['max_chunk_size']),
    ...(parseExisting(fields['existing_storage']) ? { existingStorage: true as const } : {}),
  };
}

/** @throws InputError */
export function parseNetwork(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string' && /^[a-z0-9][a-z0-9._-]{0,63}$/i.test(value)) return value;
  throw new InputError(`network must be a short name like "mainnet", not ${show(value)}`);
}

function parseExisting(value: unknown): boolean {
  if (value === undefined || typeof value === 'boolean') return value === true;
  throw new InputError(`existing_storage must be true or false, not ${show(value)}`);
}

export function parseControls(fields: Record<string, unknown>): Controls {
  const whenBlocked = fields['when_blocked'] ?? 'wait';
  if (whenBlocked !== 'wait' && whenBlocked !== 'fail') {
    throw new InputError(`when_blocked must be "wait" or "fail", not ${show(whenBlocked)}`);
  }
  return {
    concurrency: parseConcurrency(fields['concurrency'] ?? DEFAULT_CONCURRENCY),
    whenBlocked,
  };
}

/** One URL, or a list of different ones. @throws InputError */
export function parseNodes(value: unknown): string[] {
  if (!Array.isArray(value)) return [parseNode(value)];
  if (value.length < 1 || value.length > MOST_NODES) {
    throw new InputError(
      `node must be one URL or a list of 1 to ${MOST_NODES}, not a list of ${value.length}`,
    );
  }
  const nodes = value.map(parseNode);
  const twice = nodes.find(
    (node, i) => nodes.findIndex((other) => other.toLowerCase() === node.toLowerCase()) < i,
  );
  if (twice !== undefined) throw new InputError(`node: ${show(twice)} is given twice`);
  return nodes;
}

/** The URL of a backup service, without slashes at its end. @throws InputError */
export function parseNode(value: unknown): string {
  if (typeof value === 'string' && isAddress(value)) return value.replace(/\/+$/, '');
  throw new InputError(
    `node must be the URL of a backup service, like "http://localhost:6186", not ${show(value)}`,
  );
}

/** Whether requests can be made of it, by adding their paths. */
function isAddress(text: string): boolean {
  if (!/^https?:\/\/[^\s/@,?#]+(\/[^\s?#]*)?$/.test(text)) return false;
  try {
    return new URL(text).port !== '0';
  } catch {
    return false;
  }
}

/** @throws InputError */
export function parseStorage(value: unknown): StorageConfig {
  const storage = asRecord('storage', value);
  const dir = storage['local_fs_dir'];
  if (typeof dir !== 'string' || dir === '' || Object.keys(storage).length !== 1) {
    throw new InputError(
      'storage must be {"local_fs_dir": "/a/folder"}; other kinds are not supported yet',
    );
  }
  if (!dir.startsWith('/')) {
    throw new InputError(
      `storage.local_fs_dir must be an absolute path (workers may run elsewhere), not ${show(dir)}`,
    );
  }
  if (dir.includes('\0')) throw new InputError('storage.local_fs_dir must not have a NUL in it');
  return { local_fs_dir: dir };
}

/** @throws InputError */
export function parseWaypoints(value: unknown): string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value))
    throw new InputError('trust_waypoints must be a list of "VERSION:HASH"');
  const byVersion = new Map<string, string>();
  for (const entry of value as unknown[]) {
    const match =
      typeof entry === 'string' ? /^([0-9]{1,20}):([0-9a-fA-F]{64})$/.exec(entry) : null;
    const version = parseU64(match?.[1]);
    if (!match || version === undefined) {
      throw new InputError(`trust_waypoints: ${show(entry)} is not VERSION:HASH (64 hex digits)`);
    }
    if (byVersion.has(`${version}`)) {
      throw new InputError(`trust_waypoints: version ${version} is given twice`);
    }
    byVersion.set(`${version}`, `${version}:${match[2]!.toLowerCase()}`);
  }
  return [...byVersion.values()];
}

function parseChunkSize(value: unknown): number {
  const size = value === undefined ? BigInt(DEFAULT_MAX_CHUNK_SIZE) : parseU64(value);
  if (size === undefined || size < 1n || size > 0xffff_ffffn) {
    throw new InputError(
      `max_chunk_size must be a number of bytes from 1 to 2^32-1, not ${show(value)}`,
    );
  }
  return Number(size);
}

/** A whole number of at least 1; `byDefault` when the field is absent. @throws InputError */
export function optionalCount(
  fields: Record<string, unknown>,
  name: string,
  byDefault: bigint,
  most = MAX_U64,
): bigint {
  if (fields[name] === undefined) return byDefault;
  const value = u64(fields, name);
  if (value >= 1n && value <= most) return value;
  throw new InputError(`${name} must be from 1 to ${most}, not ${value}`);
}

function u64(fields: Record<string, unknown>, name: string): bigint {
  const value = parseU64(fields[name]);
  if (value === undefined) {
    throw new InputError(
      `${name} must be a whole number from 0 to 2^64-1 (above 2^53 as a string), not ${show(fields[name])}`,
    );
  }
  return value;
}

export function rejectUnknown(fields: Record<string, unknown>, own: string[]): void {
  rejectOthers(fields, [...own, ...COMMON_FIELDS]);
}

/** @throws InputError for a field that a workflow does not take */
export function rejectOthers(fields: Record<string, unknown>, known: string[]): void {
  for (const name of Object.keys(fields)) {
    if (!known.includes(name)) {
      throw new InputError(`unknown field ${show(name)}; this workflow takes ${known.join(', ')}`);
    }
  }
}

export function asRecord(what: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InputError(`${what} must be one JSON object, not ${show(value)}`);
  }
  return value as Record<string, unknown>;
}

function show(value: unknown): string {
  const text = value === undefined ? 'nothing' : (JSON.stringify(value) ?? typeof value);
  return shorten(text, 80);
}
