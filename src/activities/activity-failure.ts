import { ApplicationFailure } from '@temporalio/activity';
import { type ErrorCode, codeOf, entryOf } from '../errors/catalogue.js';
import type { Budget } from '../errors/entry.js';
import { UnitIncomplete } from '../errors/backup-error.js';
import type { NodeFault } from '../site/node-fault.js';
import type { Lie } from '../contract/lies.js';
import { namedStack } from '../lib/host/named-stack.js';
import { shorten } from '../lib/shorten.js';
import { failureOf } from '../contract/failure.js';
import type { FailureDetails } from '../contract/unit.js';

/** The failures of all attempts of an activity so far, by error code. Heartbeat details carry it. */
export type FailureCounts = Record<string, number>;

/**
 * How often each class of error may happen to an activity, at one place of its work, before it fails for
 * good. Deaths of the worker do not count, because a crash is not the node's fault. With the back-off of
 * workflows/activity-options.ts, 12 tries are about six minutes of a range. `storage` allows any activity
 * twenty minutes: enough to mount a storage again or to make room. While a node is well and untried,
 * nothing fails for good.
 */
export type Budgets = Readonly<Record<Budget, number>>;

/**
 * Classes of errors that may pass even after the budget is used up: something is away and may come back.
 */
const OUTAGES: readonly (Budget | undefined)[] = ['node', 'storage', 'stalled'];

/**
 * The third death moves a chunk, a plan or a commit to the apart worker. Three more deaths there, where
 * it runs alone, quarantine it.
 */
export const MOST_DEATHS = 3;

/** Budgets that are the same for all activities. */
const COMMON = { lies: 5, unknown: 3, node: 12, troubles: 12 };
export const RANGE_BUDGETS: Budgets = { ...COMMON, storage: 25, stalled: 25 };
export const CONTROL_BUDGETS: Budgets = { ...COMMON, storage: 80, stalled: 80 };
/**
 * A coordinator rests, tries again and raises alarms by itself. So its activities need not try for long.
 */
export const COORDINATOR_BUDGETS: Budgets = { ...COMMON, storage: 3, stalled: 1 };

export function readFailureCounts(details: unknown): FailureCounts {
  const counts = (details as { failures?: unknown } | null | undefined)?.failures;
  if (typeof counts !== 'object' || counts === null) return {};
  return Object.fromEntries(
    Object.entries(counts).filter((entry): entry is [string, number] => Number.isInteger(entry[1])),
  );
}

/** Counts one more failure. Returns how often this code has happened. */
export function countFailure(counts: FailureCounts, code: ErrorCode): number {
  return (counts[code] = (counts[code] ?? 0) + 1);
}

/** What is known of the other nodes when one of several nodes failed. */
export interface OtherNodes {
  /** Another node does not rest. */
  well: boolean;
  /** One of the nodes that do not rest was not tried yet by any attempt of this activity. */
  untried: boolean;
  /** The failures of other nodes: those that this activity has tried, and those that rest after its neighbours tried them. */
  failed: readonly (NodeFault & { node: string })[];
}

/** An error that counts against one of several nodes. */
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

/**
 * The server keeps 4 KB of the last failure of an activity. It replaces a larger one with a note about
 * its size. A character may take three bytes.
 */
const MOST_MESSAGE = 500;
const MOST_STACK = 500;
const MOST_LIES = 4;
const MOST_WHY = 80;

/**
 * The pause before the next try with another node. It is short, because that node had no part in the
 * failure.
 */
const NEXT_NODE_MS = 250;

/**
 * Turns an error into the failure that the server sees: the error's code as its type, and the error's
 * message. It is retryable as long as the budget of its class lasts. Counts the failure in `counts`.
 * `lies`: data of nodes that failed its proof; they go into the details. `pauseMs`: the pause before the
 * next attempt, if it differs from the retry policy.
 */
export function toFailure(
  error: unknown,
  counts: FailureCounts,
  budgets: Budgets,
  lies: readonly Lie[] = [],
  pauseMs?: number,
): ApplicationFailure {
  if (error instanceof ApplicationFailure) return error;
  const others = error instanceof FailedOnNode ? error.others : undefined;
  const cause: unknown = error instanceof FailedOnNode ? error.cause : error;
  const code = codeOf(cause) ?? 'INTERNAL';
  const times = countFailure(counts, code);
  // An error that is final with one node may not happen with another.
  const entry = entryOf(code);
  const retryable = others !== undefined || entry.retryable;
  const exhausted =
    retryable && times >= budgets[entry.budget ?? 'troubles'] && others?.untried !== true;
  const message = error instanceof Error ? error.message : String(error);
  const nextRetryDelay = others?.well ? NEXT_NODE_MS : pauseMs;
  const elsewhere = exhausted ? (others?.failed ?? []) : [];
  const details: FailureDetails = {
    mayPass: retryable && OUTAGES.includes(entry.budget),
    ...(cause instanceof UnitIncomplete ? { ranges: cause.ranges } : {}),
    ...(lies.length > 0 ? { lies: retryable && !exhausted ? fewLies(lies) : [...lies] } : {}),
  };
  const said = exhausted ? `${message} (${times} times)${describe(elsewhere)}` : message;
  const type = gravest([code, ...elsewhere.map((fault) => fault.code)]);
  // A workflow reads the last failure and shortens it by itself.
  const text = shorten(said, exhausted ? 4 * MOST_MESSAGE : MOST_MESSAGE);
  const failure = failureOf(type, text, {
    final: !retryable || exhausted,
    details: [details],
    ...(nextRetryDelay === undefined || exhausted ? {} : { nextRetryDelay }),
  });
  failure.stack = shorten(framesOf(cause), MOST_STACK);
  return failure;
}

/** Where an error was thrown, without its message. */
function framesOf(error: unknown): string {
  const stack = (error instanceof Error && error.stack) || '';
  const at = stack.search(/^\s+at /m);
  return at === -1 ? '' : namedStack(stack.slice(at));
}

/** Shortens the list of lies. Heartbeats and the last failure carry the whole list. */
function fewLies(lies: readonly Lie[]): Lie[] {
  const newest = [...lies].sort((a, b) => b.at - a.at).slice(0, MOST_LIES);
  return newest.map((lie) => ({ ...lie, why: shorten(lie.why, MOST_WHY) }));
}

function describe(elsewhere: OtherNodes['failed']): string {
  return elsewhere.map(({ node, why }) => `; ${naming(node, why)}`).join('');
}

function naming(node: string, why: string): string {
  return why.includes(node) ? why : `${node}: ${why}`;
}

/**
 * The error code for a failure of several nodes. Only data that all of them have pruned is gone. When
 * some have pruned it and others have not reached it yet, it is not there yet.
 */
function gravest(codes: ErrorCode[]): ErrorCode {
  const passing: ErrorCode[] = ['NODE_PRUNED', 'NODE_BEHIND'];
  return (
    codes.find((code) => !passing.includes(code)) ??
    (codes.includes('NODE_BEHIND') ? 'NODE_BEHIND' : codes[0]!)
  );
}
