import { type IncomingMessage, Agent as HttpAgent, get as httpGet } from 'node:http';
import { Agent as HttpsAgent, get as httpsGet } from 'node:https';
import { NodeError, type NodeErrorCode } from './errors.js';

/** Connections of one client; the service has 64 threads for all of its streams. */
const CONNECTIONS = 8;

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
]);

/** The service gives no reason; these are the ones there are. */
export const BEFORE_FIRST =
  'the node broke off before the first record; it may have pruned this range, or cannot read it';

/** Few connections, kept open, to one node; Node's own client follows no proxy settings. */
export type Connections = HttpAgent | HttpsAgent;

export function openConnections(address: string): Connections {
  const options = { keepAlive: true, maxSockets: CONNECTIONS };
  return address.startsWith('https:') ? new HttpsAgent(options) : new HttpAgent(options);
}

/**
 * Sends a GET and waits for the answer to begin. `onClosed` names the error when the connection
 * closes without one. @throws NodeError; the signal's reason when it aborts
 */
export async function get(
  agent: Connections,
  url: string,
  timeoutMs: number,
  onClosed: NodeErrorCode,
  signal: AbortSignal | undefined,
): Promise<IncomingMessage> {
  signal?.throwIfAborted();
  const send = url.startsWith('https:') ? httpsGet : httpGet;
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = send(url, { agent, ...(signal ? { signal } : {}) }, (response) => {
      clearTimeout(timer);
      resolve(response);
    });
    const timer = setTimeout(() => {
      const why = `no answer within ${timeoutMs / 1000} s`;
      request.destroy(new NodeError('NODE_TIMEOUT', url, why, true, undefined));
    }, timeoutMs);
    request.on('error', (error) => {
      clearTimeout(timer);
      reject(signal?.aborted ? (signal.reason as Error) : connectionError(url, error, onClosed));
    });
  });
  if (answer.statusCode === 200) return answer;
  answer.resume();
  throw statusError(url, answer.statusCode ?? 0);
}

function connectionError(url: string, error: Error, onClosed: NodeErrorCode): NodeError {
  if (error instanceof NodeError) return error;
  const code = codeOf(error);
  const options = { cause: error };
  if (UNREACHABLE.has(code)) {
    const why = `no connection (${code}); is the node running, and is this its backup service?`;
    return new NodeError('NODE_UNREACHABLE', url, why, true, undefined, options);
  }
  if (onClosed === 'NODE_ABORTED_BEFORE_FIRST_RECORD') {
    const reached = { records: 0, bytes: 0 };
    return new NodeError(onClosed, url, BEFORE_FIRST, true, reached, options);
  }
  const why = `the connection failed: ${error.message}`;
  return new NodeError(onClosed, url, why, true, undefined, options);
}

function statusError(url: string, status: number): NodeError {
  // 400, 404 and 405 say that the request itself is wrong; it will not get better.
  const why =
    status >= 500
      ? `status ${status}; the node may have pruned this, or not have it yet (its log says more)`
      : `status ${status}; is this the address of a backup service?`;
  return new NodeError('NODE_HTTP_STATUS', url, why, status >= 500, undefined);
}

/** The code of an error, or of the first of several tried addresses. */
function codeOf(error: Error & { code?: string; errors?: (Error & { code?: string })[] }): string {
  return error.code ?? error.errors?.[0]?.code ?? '';
}
