import { Agent, type Dispatcher, request } from 'undici';
import { NodeError, type NodeErrorCode, type Reached } from './errors.js';

/** Connections of one client; the service has 64 threads for all of its streams. */
const CONNECTIONS = 8;
const CONNECT_TIMEOUT_MS = 10_000;

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** An HTTP client of its own for one node: no proxies, few connections, nothing unlimited. */
export function createAgent(timeouts: { headersTimeoutMs: number; bodyTimeoutMs: number }): Agent {
  return new Agent({
    connections: CONNECTIONS,
    pipelining: 1,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    headersTimeout: timeouts.headersTimeoutMs,
    bodyTimeout: timeouts.bodyTimeoutMs,
  });
}

/**
 * Sends a GET and waits for its status line. `onClosed` names the error when the connection closes
 * without one. @throws NodeError; the signal's reason when it aborts
 */
export async function get(
  agent: Agent,
  url: string,
  onClosed: NodeErrorCode,
  signal: AbortSignal | undefined,
): Promise<Dispatcher.ResponseData> {
  let response: Dispatcher.ResponseData;
  try {
    response = await request(url, { dispatcher: agent, ...(signal ? { signal } : {}) });
  } catch (error) {
    signal?.throwIfAborted();
    throw connectionError(url, error, onClosed);
  }
  if (response.statusCode === 200) return response;
  await response.body.dump({ limit: 4096 }).catch(() => undefined);
  throw statusError(url, response.statusCode);
}

function connectionError(url: string, error: unknown, onClosed: NodeErrorCode): NodeError {
  const code = codeOf(error);
  const options = { cause: error };
  if (UNREACHABLE.has(code)) {
    const why = `no connection (${code}); is the node running, and is this its backup service?`;
    return new NodeError('NODE_UNREACHABLE', url, why, true, undefined, options);
  }
  if (code === 'UND_ERR_HEADERS_TIMEOUT') {
    return new NodeError('NODE_TIMEOUT', url, 'no answer in time', true, undefined, options);
  }
  const why =
    onClosed === 'NODE_ABORTED_BEFORE_FIRST_RECORD'
      ? BEFORE_FIRST
      : `the connection failed: ${(error as Error).message}`;
  return new NodeError(onClosed, url, why, true, reachedOnClosed(onClosed), options);
}

function reachedOnClosed(code: NodeErrorCode): Reached | undefined {
  return code === 'NODE_ABORTED_BEFORE_FIRST_RECORD' ? { records: 0, bytes: 0 } : undefined;
}

/** The service gives no reason; these are the ones there are. */
export const BEFORE_FIRST =
  'the node broke off before the first record; it may have pruned this range, or cannot read it';

function statusError(url: string, status: number): NodeError {
  // 400, 404 and 405 say that the request itself is wrong; it will not get better.
  const why =
    status >= 500
      ? `status ${status}; the node may have pruned this, or not have it yet (its log says more)`
      : `status ${status}; is this the address of a backup service?`;
  return new NodeError('NODE_HTTP_STATUS', url, why, status >= 500, undefined);
}

export function codeOf(error: unknown): string {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown };
  if (typeof code === 'string') return code;
  return cause === undefined ? '' : codeOf(cause);
}
