/**
 * - TEMPORAL_BINARY_MISSING: no source gave a Temporal server binary that runs.
 * - TEMPORAL_START_FAILED: the embedded server did not start.
 * - TEMPORAL_UNREACHABLE: the server that the environment names does not answer.
 * - TEMPORAL_CONFIG: the environment or config file that names a server cannot be used.
 * - TEMPORAL_SEARCH_ATTRIBUTES: search attributes are missing and may not be added by us.
 * - DATA_FOLDER_LOCKED: another process holds the data folder's lock for too long.
 */
export type TemporalErrorCode =
  | 'TEMPORAL_BINARY_MISSING'
  | 'TEMPORAL_START_FAILED'
  | 'TEMPORAL_UNREACHABLE'
  | 'TEMPORAL_CONFIG'
  | 'TEMPORAL_SEARCH_ATTRIBUTES'
  | 'DATA_FOLDER_LOCKED';

/** Temporal cannot be had as asked; the message says what to do. */
export class TemporalError extends Error {
  override readonly name = 'TemporalError';

  constructor(
    readonly code: TemporalErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Takes one line for the operator to read. */
export type Say = (line: string) => void;

/** First line of whatever was thrown, for one-line messages. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const cause =
    error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return `${message}${cause}`.split('\n')[0]!;
}
