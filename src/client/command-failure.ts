import {
  ApplicationFailure,
  ServiceError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { codeOf } from '../errors/catalogue.js';

/** Errors of the Temporal client that only wrap the real one. */
const WRAPPERS = [WorkflowFailedError, WorkflowUpdateFailedError, ServiceError];

/** The command was called in a wrong way; it ends with exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The operator stopped the command; it ends with exit code 130, as shells expect. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

export function exitCodeOf(error: unknown): number {
  const inner = innermost(error);
  const refused = inner instanceof ApplicationFailure && inner.type === 'InputError';
  if (refused || inner instanceof UsageError || codeOf(inner) === 'INPUT_INVALID') return 2;
  return inner instanceof Interrupted ? 130 : 1;
}

/** The cause of an error in one line. For a failed workflow or a refused message, it is the inner error's message. */
export function messageOf(error: unknown): string {
  const inner = innermost(error);
  if (inner instanceof WorkflowNotFoundError) {
    return `${inner.workflowId} has ended, or the server does not know it`;
  }
  const message = inner instanceof Error ? inner.message : String(inner);
  return message.split('\n')[0]!;
}

function innermost(error: unknown): unknown {
  let inner = error;
  while (WRAPPERS.some((wrapper) => inner instanceof wrapper)) {
    const { cause } = inner as Error;
    if (cause === undefined) break;
    inner = cause;
  }
  return inner;
}
