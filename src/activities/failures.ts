import { ApplicationFailure } from '@temporalio/activity';
import { UnitIncomplete, codeOf } from '../backup/errors.js';
import type { FailureDetails } from '../plan/unit.js';

/** Failures of one attempt series so far, by error code. Travels in heartbeat details. */
export type FailureCounts = Record<string, number>;

/**
 * How often an error may happen to one activity before it fails for good. Attempts that died with
 * their worker are not counted: a crash is not the node's fault. With the back-off of
 * workflows/activity-options.ts, 12 times is about seven minutes of a range, and `storage` is twenty
 * minutes of anything: longer than it takes to mount a storage again, or to make room.
 */
export interface Budgets {
  /** The node sent something that fails its proof, or has not what was asked for. */
  lies: number;
  /** Everything else that may pass: the node, a crashed thread. */
  troubles: number;
  /** The storage is away, full, or does not answer. */
  storage: number;
}

/** Deaths that a chunk may meet among others, by chance or of its own doing; and again alone. */
export const MOST_DEATHS = 3;

export const RANGE_BUDGETS: Budgets = { lies: 5, troubles: 12, storage: 25 };
export const CONTROL_BUDGETS: Budgets = { lies: 5, troubles: 12, storage: 80 };
/** A coordinator itself rests and tries again, and says meanwhile what is wrong. */
export const COORDINATOR_BUDGETS: Budgets = { lies: 5, troubles: 12, storage: 3 };
const STALLED = 'STORAGE_STALLED';

const LIES = new Set([
  'NODE_LIED',
  'NODE_BAD_ANSWER',
  'NODE_SHORT',
  'NODE_OVERLONG',
  'NODE_RECORD_TOO_LARGE',
  'NODE_BEHIND',
  'NODE_PRUNED',
  'CHAIN_MISMATCH',
  'HISTORY_UNSIGNED',
]);

export function readFailureCounts(details: unknown): FailureCounts {
  const counts = (details as { failures?: unknown } | null | undefined)?.failures;
  if (typeof counts !== 'object' || counts === null) return {};
  return Object.fromEntries(
    Object.entries(counts).filter((entry): entry is [string, number] => Number.isInteger(entry[1])),
  );
}

/** Counts one more. Returns how often it happened. */
export function countFailure(counts: FailureCounts, code: string): number {
  return (counts[code] = (counts[code] ?? 0) + 1);
}

/**
 * Turns an error into the failure that the server sees: its stable code as type, its own message,
 * retryable as long as the budget for its kind lasts. Counts it in `counts`.
 */
export function toFailure(
  error: unknown,
  counts: FailureCounts,
  budgets: Budgets,
): ApplicationFailure {
  if (error instanceof ApplicationFailure) return error;
  const code = codeOf(error) ?? 'INTERNAL';
  const times = countFailure(counts, code);
  const retryable = (error as { retryable?: unknown }).retryable !== false;
  const troubles = isStorage(error) ? budgets.storage : budgets.troubles;
  const budget = LIES.has(code) || isChainData(error) ? budgets.lies : troubles;
  // A coordinator that has waited for a whole deadline has waited long enough to say so.
  const impatient = code === STALLED && budgets === COORDINATOR_BUDGETS;
  const exhausted = retryable && (times >= budget || impatient);
  const message = error instanceof Error ? error.message : String(error);
  const details: FailureDetails = {
    mayPass: retryable && isStorage(error),
    ...(error instanceof UnitIncomplete ? { ranges: error.ranges } : {}),
  };
  return ApplicationFailure.create({
    message: exhausted ? `${message} (${times} times)` : message,
    type: code,
    nonRetryable: !retryable || exhausted,
    details: [details],
    ...(error instanceof Error ? { cause: error } : {}),
  });
}

function isStorage(error: unknown): boolean {
  const byName = error instanceof Error && error.name === 'StorageError';
  return byName || codeOf(error) === 'STORAGE_EMPTIED';
}

/** What a node sent could not be read as what it should be. */
function isChainData(error: unknown): boolean {
  return error instanceof Error && error.name === 'AptosDataError';
}
