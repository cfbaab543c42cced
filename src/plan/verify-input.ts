import {
  InputError,
  asRecord,
  optionalCount,
  parseConcurrency,
  parseNetwork,
  parseStorage,
  parseWaypoints,
  rejectOthers,
} from './input.js';
import type { StorageConfig } from './job.js';
import { MAX_U64, parseU64 } from './u64.js';
import type { VerifyScope, VerifySettings } from './verify.js';

const DEFAULT_LANES = 2;

/** Input of `verifyBackups`. Everything but the storage may be left out: then it is all verified. */
export interface VerifyInput {
  storage: StorageConfig;
  network?: string;
  trust_waypoints?: readonly string[];
  /** Only transactions from here on, and up to there. */
  start_version?: string | number;
  end_version?: string | number;
  /** @default "every" */
  state_snapshots?: 'every' | 'newest' | 'none';
  state_snapshot_before_version?: string | number;
  /** "2/7": the second of seven equal parts; "5%": so many backups, the same each time. */
  sample?: string;
  /** Stop after so much was read; the next run goes on there, because what is proven is skipped. */
  budget_bytes?: string | number;
  budget_seconds?: string | number;
  /** Also read what was proven before and is unchanged. @default false */
  again?: boolean;
  /** Tasks at once. @default 2 */
  concurrency?: number;
}

export interface ParsedVerify {
  settings: VerifySettings;
  scope: VerifyScope;
  budget: { bytes?: number; seconds?: number };
  concurrency: number;
}

const FIELDS = [
  'storage',
  'network',
  'trust_waypoints',
  'start_version',
  'end_version',
  'state_snapshots',
  'state_snapshot_before_version',
  'sample',
  'budget_bytes',
  'budget_seconds',
  'again',
  'concurrency',
];

/** @throws InputError naming the field */
export function parseVerifyInput(raw: unknown): ParsedVerify {
  const fields = asRecord('the input', raw);
  rejectOthers(fields, FIELDS);
  const network = parseNetwork(fields['network']);
  const startVersion = optionalU64(fields, 'start_version') ?? 0n;
  const endVersion = optionalU64(fields, 'end_version');
  if (endVersion !== undefined && endVersion < startVersion) {
    throw new InputError(`end_version (${endVersion}) is below start_version (${startVersion})`);
  }
  const before = optionalU64(fields, 'state_snapshot_before_version');
  const again = fields['again'] ?? false;
  if (typeof again !== 'boolean') throw new InputError('again must be true or false');
  return {
    settings: {
      storage: parseStorage(fields['storage']),
      ...(network === undefined ? {} : { network }),
      trustWaypoints: parseWaypoints(fields['trust_waypoints']),
    },
    scope: {
      startVersion: `${startVersion}`,
      ...(endVersion === undefined ? {} : { endVersion: `${endVersion}` }),
      snapshots: parseSnapshots(fields['state_snapshots']),
      ...(before === undefined ? {} : { snapshotBefore: `${before}` }),
      ...parseSample(fields['sample']),
      again,
    },
    budget: {
      ...optionalNumber(fields, 'budget_bytes', 'bytes'),
      ...optionalNumber(fields, 'budget_seconds', 'seconds'),
    },
    concurrency: parseConcurrency(fields['concurrency'] ?? DEFAULT_LANES),
  };
}

function parseSnapshots(value: unknown): VerifyScope['snapshots'] {
  if (value === undefined) return 'every';
  if (value === 'every' || value === 'newest' || value === 'none') return value;
  throw new InputError('state_snapshots must be "every", "newest" or "none"');
}

function parseSample(value: unknown): Pick<VerifyScope, 'sample' | 'percent'> {
  if (value === undefined) return {};
  const text = typeof value === 'string' ? value : '';
  const part = /^([1-9][0-9]{0,3})\/([1-9][0-9]{0,3})$/.exec(text);
  if (part && Number(part[1]) <= Number(part[2])) {
    return { sample: { part: Number(part[1]), of: Number(part[2]) } };
  }
  const percent = /^([0-9]{1,2}(?:\.[0-9]{1,3})?|100)%$/.exec(text);
  if (percent && Number(percent[1]) > 0) return { percent: Number(percent[1]) };
  throw new InputError('sample must be a part like "2/7" or a share like "5%"');
}

function optionalU64(fields: Record<string, unknown>, name: string): bigint | undefined {
  if (fields[name] === undefined) return undefined;
  const value = parseU64(fields[name]);
  if (value !== undefined && value <= MAX_U64) return value;
  throw new InputError(`${name} must be a whole number from 0 to 2^64-1 (above 2^53 as a string)`);
}

function optionalNumber<K extends string>(
  fields: Record<string, unknown>,
  name: string,
  as: K,
): { [P in K]?: number } {
  if (fields[name] === undefined) return {};
  const value = optionalCount(fields, name, 1n, BigInt(Number.MAX_SAFE_INTEGER));
  return { [as]: Number(value) } as { [P in K]?: number };
}
