import { ApplicationFailure, type ApplicationFailureOptions } from '@temporalio/common';
import { type ErrorCode, entryOf, isErrorCode } from '../errors/catalogue.js';

type More = Pick<ApplicationFailureOptions, 'details' | 'nextRetryDelay' | 'cause'> & {
  /**
   * Set when the catalogue does not decide: the budget is used up, another node may do what this one
   * refused, or the failure ends a workflow, which nobody tries again.
   */
  final?: boolean;
};

/** Builds the failure that the server sees. The catalogue says whether it is retryable. */
export function failureOf(code: ErrorCode, message: string, more: More = {}): ApplicationFailure {
  const { final = !entryOf(code).retryable, ...options } = more;
  return ApplicationFailure.create({ message, type: code, nonRetryable: final, ...options });
}

/** The code of such a failure. Any other error has INTERNAL. */
export function codeOfFailure(error: unknown): ErrorCode {
  return error instanceof ApplicationFailure && isErrorCode(error.type) ? error.type : 'INTERNAL';
}
