import { codeOfFailure, failureOf } from '../contract/failure.js';
import type { ErrorCode } from '../errors/catalogue.js';
import type { FailureDetails } from '../contract/unit.js';
import {
  ActivityFailure,
  ApplicationFailure,
  ChildWorkflowFailure,
  isCancellation,
} from '@temporalio/workflow';
import type { Lie } from '../contract/lies.js';
import { QUARANTINED, UNIT_INCOMPLETE } from '../contract/messages.js';
import { shorten } from '../lib/shorten.js';

const MAX_REASON = 500;

/** Failures that concern one task of a verification or copy only, because no worker or thread survives it. */
export const DEADLY: ReadonlySet<ErrorCode> = new Set<ErrorCode>([QUARANTINED, 'THREAD_DIED']);

/** The innermost message of a failure. This is the one that helps an operator. */
export function reasonOf(error: unknown): string {
  let inner = error;
  while (
    (inner instanceof ActivityFailure || inner instanceof ChildWorkflowFailure) &&
    inner.cause !== undefined
  ) {
    inner = inner.cause;
  }
  const text = inner instanceof Error ? inner.message : String(inner);
  return shorten(text, MAX_REASON);
}

/** The error code of a failure. */
export function failureCode(error: unknown): ErrorCode {
  return codeOfFailure(error instanceof ActivityFailure ? error.cause : error);
}

/** The ranges that a commit found missing or changed. Undefined when it failed for another reason. */
export function incompleteRanges(error: unknown): number[] | undefined {
  return failureCode(error) === UNIT_INCOMPLETE ? detailsOf(error).ranges : undefined;
}

/** Whether an activity used up its tries because of a trouble of storage or node that may still pass. */
export function mayPass(error: unknown): boolean {
  return detailsOf(error).mayPass === true;
}

/** Data of nodes that failed its proof before the activity failed. */
export function liesOf(error: unknown): Lie[] | undefined {
  return detailsOf(error).lies;
}

function detailsOf(error: unknown): Partial<FailureDetails> {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  const details = cause instanceof ApplicationFailure ? cause.details : undefined;
  return details?.[0] ?? {};
}

/** Runs a check of an input. If the check throws, the workflow fails at once with INPUT_INVALID. */
export function asInputFailure<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw failureOf('INPUT_INVALID', (error as Error).message);
  }
}

/** The failure of a workflow: the reason itself instead of "Activity task failed". What was cancelled has not failed. */
export function asWorkflowFailure(error: unknown): unknown {
  if (!(error instanceof ActivityFailure) || isCancellation(error)) return error;
  const lies = liesOf(error);
  const details = lies ? { details: [{ lies }] } : {};
  return failureOf(failureCode(error), reasonOf(error), { final: true, ...details, cause: error });
}
