import { type ErrorCode, type NodeErrorCode, entryOf } from '../errors/catalogue.js';
import { CodedError } from '../errors/coded-error.js';

/** Whether the node was silent or too slow. Noticing that has already taken half a minute or more. */
export function isSilence(code: ErrorCode): boolean {
  return entryOf(code).rest === 'silence';
}

/**
 * Whether the same request may succeed in a moment: the node restarts, limits requests, or fails at random. Not after
 * silence, because each try costs half a minute. Not after a complete answer that is wrong.
 */
export function mayPassSoon(error: unknown): error is NodeError {
  if (!(error instanceof NodeError)) return false;
  switch (error.code) {
    case 'NODE_UNREACHABLE':
    case 'NODE_HTTP_STATUS':
    case 'NODE_ABORTED_BEFORE_FIRST_RECORD':
      return true;
    case 'NODE_STREAM_CUT':
      // The reader already has the whole records, so the stream cannot begin again. A value has no records.
      return (error.reached?.records ?? 0) === 0;
    default:
      return false;
  }
}

/** How far a stream had come. */
export interface Reached {
  records: number;
  bytes: number;
}

interface NodeErrorOptions extends ErrorOptions {
  /** The HTTP status; only with NODE_HTTP_STATUS. */
  status?: number;
  /** How long to wait before the next try, as the answer's `Retry-After` says. */
  retryAfterMs?: number;
}

/** One failed request. The message names its URL, which contains the range, and how many bytes came. */
export class NodeError extends CodedError<NodeErrorCode> {
  override readonly name = 'NodeError';
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(
    code: NodeErrorCode,
    readonly url: string,
    private readonly why: string,
    readonly reached: Reached | undefined,
    private readonly options: NodeErrorOptions = {},
  ) {
    const where = reached
      ? ` (after ${reached.records} whole records, at byte ${reached.bytes})`
      : '';
    super(code, `${url}: ${why}${where}`, options);
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }

  /** A copy of this error with `more` added to its reason. */
  saying(more: string): NodeError {
    const { code, url, why, reached, options } = this;
    return new NodeError(code, url, `${why}${more}`, reached, options);
  }
}
