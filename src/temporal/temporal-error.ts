import type { TemporalErrorCode } from '../errors/catalogue.js';
import type { Log } from '../lib/host/log.js';
import { CodedError } from '../errors/coded-error.js';

/** No Temporal server can be reached or started as configured. The message says what to do. */
export class TemporalError extends CodedError<TemporalErrorCode> {
  override readonly name = 'TemporalError';
}

/** Shows one line to the operator. */
export type Say = Log;

/** The first line of a thrown error's message, with the message of its cause. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const cause =
    error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return `${message}${cause}`.split('\n')[0]!;
}
