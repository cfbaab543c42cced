import type { CoordinatorSettings } from './coordinator.js';
import {
  type CommonInput,
  InputError,
  asRecord,
  optionalCount,
  parseControls,
  parseSettings,
  parseTarget,
  rejectUnknown,
} from './input.js';
import type { BackupType, Target } from './job.js';
import { STREAMS } from './coordinator.js';

export const DEFAULT_BATCH_SIZE = '1000000';
export const DEFAULT_BATCH_SECONDS = 600;

/** Input of `backupCoordinator`, and of its update `configure`. */
export interface CoordinatorInput extends Omit<CommonInput, 'when_blocked'> {
  /** Take the state at the end of every n-th epoch. @default 1 */
  state_snapshot_interval_epochs?: string | number;
  /** Transactions of a full batch. @default 1000000 */
  transaction_batch_size?: string | number;
  /** A batch that is not full closes after so long. @default 600 */
  transaction_batch_seconds?: string | number;
}

const OWN = [
  'state_snapshot_interval_epochs',
  'transaction_batch_size',
  'transaction_batch_seconds',
];

/** @throws InputError naming the field */
export function parseCoordinatorInput(raw: unknown): CoordinatorSettings {
  const fields = asRecord('the input', raw);
  rejectUnknown(fields, OWN);
  if ('when_blocked' in fields) throw new InputError('a coordinator takes no when_blocked');
  return {
    ...parseSettings(fields),
    concurrency: parseControls(fields).concurrency,
    snapshotInterval: `${optionalCount(fields, 'state_snapshot_interval_epochs', 1n)}`,
    batchSize: `${optionalCount(fields, 'transaction_batch_size', BigInt(DEFAULT_BATCH_SIZE))}`,
    batchSeconds: Number(
      optionalCount(
        fields,
        'transaction_batch_seconds',
        BigInt(DEFAULT_BATCH_SECONDS),
        31_536_000n,
      ),
    ),
  };
}

/** Input of `backupDue`: that of a coordinator, and which streams. */
export interface DueInput extends CoordinatorInput {
  /** @default all three */
  types?: readonly BackupType[];
  /** Units that one run makes at most. @default 100 */
  most_units?: string | number;
}

/** @throws InputError naming the field */
export function parseDueInput(raw: unknown): { types: readonly BackupType[]; mostUnits: number } {
  const { types, most_units: most, ...rest } = asRecord('the input', raw);
  parseCoordinatorInput(rest);
  if (types !== undefined && !Array.isArray(types)) {
    throw new InputError(`types must be a list of ${STREAMS.join(', ')}`);
  }
  const wanted = types === undefined ? STREAMS : types.flatMap((type) => parseStreams(type));
  const limit = most === undefined ? {} : { most_units: most };
  return { types: wanted, mostUnits: Number(optionalCount(limit, 'most_units', 100n, 400n)) };
}

/** Argument of `pause` and `resume`: one stream, or nothing for all. @throws InputError */
export function parseStreams(raw: unknown): readonly BackupType[] {
  if (raw === undefined || raw === null) return STREAMS;
  const stream = STREAMS.find((name) => name === raw);
  if (stream) return [stream];
  throw new InputError(`say which stream: one of ${STREAMS.join(', ')}, or nothing for all`);
}

/** Argument of `backUpNow`: a stream, with a range of its own or without. */
export interface NowRequest {
  type: BackupType;
  /** Undefined: whatever there is. */
  target?: Target;
}

/** @throws InputError naming the field */
export function parseNow(raw: unknown): NowRequest {
  const { type, ...range } = asRecord('the request', raw);
  const stream = STREAMS.find((name) => name === type);
  if (!stream) throw new InputError(`type must be one of ${STREAMS.join(', ')}`);
  if (Object.keys(range).length === 0) return { type: stream };
  return { type: stream, target: parseTarget(stream, range) };
}
