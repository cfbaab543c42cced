import {
  ApplicationFailure,
  ServiceError,
  WorkflowFailedError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';

/** Errors of the client that only say that something went wrong. */
const WRAPPERS = [WorkflowFailedError, WorkflowUpdateFailedError, ServiceError];

/** A mistake in how a command was called; ends it with exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Stopped by the operator; ends the command with exit code 130, as shells expect it. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

export function exitCodeOf(error: unknown): number {
  const inner = innermost(error);
  const refused = inner instanceof ApplicationFailure && inner.type === 'InputError';
  if (refused || inner instanceof UsageError || hasCode(inner, 'INPUT_INVALID')) return 2;
  return inner instanceof Interrupted ? 130 : 1;
}

/** What went wrong, in one line: a failed workflow or a refused message says why itself. */
export function messageOf(error: unknown): string {
  const inner = innermost(error);
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

function hasCode(error: unknown, code: string): boolean {
  return (error as { code?: unknown } | undefined)?.code === code;
}
