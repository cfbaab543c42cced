/**
 * What can go wrong between us and a node's backup service:
 *
 * - NODE_UNREACHABLE: no connection (refused, unknown host, no route)
 * - NODE_TIMEOUT: connected, but no answer began in time
 * - NODE_HTTP_STATUS: an answer other than 200
 * - NODE_ABORTED_BEFORE_FIRST_RECORD: a stream that failed before it gave anything; the service does
 *   so for everything it cannot read (pruned, not there yet, corrupt), in two shapes: a connection
 *   that just closes, and a 200 that breaks off
 * - NODE_STREAM_CUT: a stream that broke off later, or ended inside a record
 * - NODE_STALLED: no byte for too long
 * - NODE_TOO_SLOW: bytes, but fewer than the floor over a while
 * - NODE_SHORT, NODE_OVERLONG: a clean end with fewer or more records than asked for
 * - NODE_RECORD_TOO_LARGE: a length prefix above the limit
 * - NODE_BAD_ANSWER: a value that is not what the endpoint should give, or no HTTP at all
 * - NODE_CONTRADICTED: two answers in a row that cannot both be true
 */
export type NodeErrorCode =
  | 'NODE_UNREACHABLE'
  | 'NODE_TIMEOUT'
  | 'NODE_HTTP_STATUS'
  | 'NODE_ABORTED_BEFORE_FIRST_RECORD'
  | 'NODE_STREAM_CUT'
  | 'NODE_STALLED'
  | 'NODE_TOO_SLOW'
  | 'NODE_SHORT'
  | 'NODE_OVERLONG'
  | 'NODE_RECORD_TOO_LARGE'
  | 'NODE_BAD_ANSWER'
  | 'NODE_CONTRADICTED';

/** Whether what went wrong was that nothing came: it has cost half a minute or more already. */
export function isSilence(code: string): boolean {
  return code === 'NODE_STALLED' || code === 'NODE_TOO_SLOW' || code === 'NODE_TIMEOUT';
}

/** How far a stream had come. */
export interface Reached {
  records: number;
  bytes: number;
}

/** One failed request. The message names its URL, with the range in it, and the byte reached. */
export class NodeError extends Error {
  override readonly name = 'NodeError';
  readonly status: number | undefined;

  constructor(
    readonly code: NodeErrorCode,
    readonly url: string,
    why: string,
    readonly retryable: boolean,
    readonly reached: Reached | undefined,
    options: ErrorOptions & {
      /** Of an answer that was none: NODE_HTTP_STATUS. */
      status?: number;
    } = {},
  ) {
    const where = reached
      ? ` (after ${reached.records} whole records, at byte ${reached.bytes})`
      : '';
    super(`${url}: ${why}${where}`, options);
    this.status = options.status;
  }
}
