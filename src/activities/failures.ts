import { ApplicationFailure } from '@temporalio/activity';
import { UnitIncomplete, codeOf } from '../backup/errors.js';
import type { NodeFault } from '../backup/node-fault.js';
import type { Lie } from '../plan/lies.js';
import type { FailureDetails } from '../plan/unit.js';

/** Failures of one attempt series so far, by error code. Travels in heartbeat details. */
export type FailureCounts = Record<string, number>;

/**
 * How often an error may happen to one activity before it fails for good. Attempts that died with
 * their worker are not counted: a crash is not the node's fault. With the back-off of
 * workflows/activity-options.ts, 12 times is about six minutes of a range, and `storage` is twenty
 * minutes of anything: longer than it takes to mount a storage again, or to make room. Nothing fails for
 * good while there is a node that is well and was not tried.
 */
export interface Budgets {
  /** The node sent something that fails its proof, or has not what was asked for. */
  lies: number;
  /** Everything else that may pass: the node, a crashed thread. */
  troubles: number;
  /** The storage is away or full. */
  storage: number;
  /** The storage did not answer for a whole deadline. */
  stalled: number;
}

/** Deaths that a chunk, a plan or a commit may meet among others, by chance or of its own doing; and again alone. */
export const MOST_DEATHS = 3;

export const RANGE_BUDGETS: Budgets = { lies: 5, troubles: 12, storage: 25, stalled: 25 };
export const CONTROL_BUDGETS: Budgets = { lies: 5, troubles: 12, storage: 80, stalled: 80 };
/**
 * A coordinator itself rests and tries again, and says meanwhile what is wrong: after a whole deadline
 * it has waited long enough.
 */
export const COORDINATOR_BUDGETS: Budgets = { lies: 5, troubles: 12, storage: 3, stalled: 1 };
const STALLED = 'STORAGE_STALLED';

const LIES = new Set([
  'NODE_LIED',
  'UNSUPPORTED',
  'NODE_BAD_ANSWER',
  'NODE_CONTRADICTED',
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

/** What is known of the other nodes when one of several failed. */
export interface OtherNodes {
  /** One of them does not rest. */
  well: boolean;
  /** One of those was not tried yet by any attempt of this activity. */
  untried: boolean;
  /** How those failed that attempts of this activity have tried. */
  failed: readonly (NodeFault & { node: string })[];
}

/** What counts against one of several nodes. */
export class FailedOnNode extends Error {
  override readonly name = 'FailedOnNode';

  constructor(
    override readonly cause: Error,
    readonly node: string,
    readonly others: OtherNodes,
  ) {
    super(naming(node, cause.message));
  }
}

/** How long before another node is asked: it has no part in what went wrong. */
const NEXT_NODE_MS = 250;

/**
 * Turns an error into the failure that the server sees: its stable code as type, its own message,
 * retryable as long as the budget for its kind lasts. Counts it in `counts`. `lies`, of several nodes,
 * are among its details.
 */
export function toFailure(
  error: unknown,
  counts: FailureCounts,
  budgets: Budgets,
  lies: readonly Lie[] = [],
): ApplicationFailure {
  if (error instanceof ApplicationFailure) return error;
  const others = error instanceof FailedOnNode ? error.others : undefined;
  const cause: unknown = error instanceof FailedOnNode ? error.cause : error;
  const code = codeOf(cause) ?? 'INTERNAL';
  const times = countFailure(counts, code);
  // What will not get better with one node may be well with another.
  const retryable = others !== undefined || (cause as { retryable?: unknown }).retryable !== false;
  const exhausted =
    retryable && times >= budgets[budgetOf(cause, code)] && others?.untried !== true;
  const message = error instanceof Error ? error.message : String(error);
  const elsewhere = exhausted ? (others?.failed ?? []) : [];
  const details: FailureDetails = {
    mayPass: retryable && (isStorage(cause) || isNodeTrouble(cause, code)),
    ...(cause instanceof UnitIncomplete ? { ranges: cause.ranges } : {}),
    ...(lies.length > 0 ? { lies: [...lies] } : {}),
  };
  return ApplicationFailure.create({
    message: exhausted ? `${message} (${times} times)${describe(elsewhere)}` : message,
    type: gravest([code, ...elsewhere.map((fault) => fault.code)]),
    nonRetryable: !retryable || exhausted,
    details: [details],
    ...(others?.well && !exhausted ? { nextRetryDelay: NEXT_NODE_MS } : {}),
    ...(cause instanceof Error ? { cause } : {}),
  });
}

function describe(elsewhere: OtherNodes['failed']): string {
  return elsewhere.map(({ node, why }) => `; ${naming(node, why)}`).join('');
}

function naming(node: string, why: string): string {
  return why.includes(node) ? why : `${node}: ${why}`;
}

/**
 * The code for what failed with several nodes: gone is only what all of them have pruned, and not there
 * yet what some of them have pruned and the others do not have yet.
 */
function gravest(codes: string[]): string {
  const passing = ['NODE_PRUNED', 'NODE_BEHIND'];
  return (
    codes.find((code) => !passing.includes(code)) ??
    (codes.includes('NODE_BEHIND') ? 'NODE_BEHIND' : codes[0]!)
  );
}

function budgetOf(error: unknown, code: string): keyof Budgets {
  if (LIES.has(code) || isChainData(error)) return 'lies';
  if (!isStorage(error)) return 'troubles';
  return code === STALLED ? 'stalled' : 'storage';
}

/** It is away, or does not do its work; as opposed to what it says. */
function isNodeTrouble(error: unknown, code: string): boolean {
  return error instanceof Error && error.name === 'NodeError' && !LIES.has(code);
}

function isStorage(error: unknown): boolean {
  const byName = error instanceof Error && error.name === 'StorageError';
  return byName || codeOf(error) === 'STORAGE_EMPTIED';
}

/** What a node sent could not be read as what it should be. */
function isChainData(error: unknown): boolean {
  return error instanceof Error && error.name === 'AptosDataError';
}
