import { WorkflowFailedError } from '@temporalio/client';

/** A mistake in how a command was called; ends it with exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Stopped by the operator; ends the command with exit code 130, as shells expect it. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError || (error as { code?: unknown }).code === 'INPUT_INVALID') {
    return 2;
  }
  return error instanceof Interrupted ? 130 : 1;
}

/** What went wrong, in one line: a failed workflow says why itself. */
export function messageOf(error: unknown): string {
  let inner = error;
  while (inner instanceof WorkflowFailedError && inner.cause) inner = inner.cause;
  const message = inner instanceof Error ? inner.message : String(inner);
  return message.split('\n')[0]!;
}
