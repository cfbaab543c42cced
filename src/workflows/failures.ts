import type { FailureDetails } from '../plan/unit.js';
import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure } from '@temporalio/workflow';
import type { Lie } from '../plan/lies.js';
import { UNIT_INCOMPLETE } from '../plan/messages.js';
import { shorten } from '../plan/shorten.js';

const MAX_REASON = 500;

/** The innermost message of a failure: what an operator needs to read. */
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

/** The stable code of what went wrong. */
export function failureCode(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return (cause instanceof ApplicationFailure ? cause.type : undefined) ?? 'INTERNAL';
}

/** The ranges that a commit found missing or changed; undefined when it failed otherwise. */
export function incompleteRanges(error: unknown): number[] | undefined {
  return failureCode(error) === UNIT_INCOMPLETE ? detailsOf(error).ranges : undefined;
}

/** Whether an activity was tried enough, but for a trouble of storage or node that may pass all the same. */
export function mayPass(error: unknown): boolean {
  return detailsOf(error).mayPass === true;
}

/** The lies of nodes that were met before it failed. */
export function liesOf(error: unknown): Lie[] | undefined {
  return detailsOf(error).lies;
}

function detailsOf(error: unknown): Partial<FailureDetails> {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  const details = cause instanceof ApplicationFailure ? cause.details : undefined;
  return details?.[0] ?? {};
}

/** Runs a check of what a person sent; what it says fails the workflow at once. */
export function asInputFailure<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw ApplicationFailure.nonRetryable((error as Error).message, 'INPUT_INVALID');
  }
}

/** Fails a workflow with the reason itself instead of "Activity task failed". */
export function asWorkflowFailure(error: unknown): unknown {
  if (!(error instanceof ActivityFailure)) return error;
  const type = error.cause instanceof ApplicationFailure ? error.cause.type : undefined;
  const lies = liesOf(error);
  return ApplicationFailure.create({
    message: reasonOf(error),
    nonRetryable: true,
    ...(type ? { type } : {}),
    ...(lies ? { details: [{ lies }] } : {}),
    cause: error,
  });
}
