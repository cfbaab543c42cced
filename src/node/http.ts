import { type IncomingMessage, Agent as HttpAgent, get as httpGet } from 'node:http';
import { Agent as HttpsAgent, get as httpsGet } from 'node:https';
import { NodeError, type NodeErrorCode } from './errors.js';

/** Connections of one client; the service has 64 threads for all of its streams. */
const CONNECTIONS = 8;

/** An open connection that closed; any other code says that there never was one. */
const CLOSED = new Set(['ECONNRESET', 'ECONNABORTED', 'EPIPE']);

/** The service gives no reason; these are the ones there are. */
export const BEFORE_FIRST =
  'the node broke off before the first record; it may have pruned this range, or cannot read it';

/** Few connections, kept open, to one node; Node's own client follows no proxy settings. */
export type Connections = HttpAgent | HttpsAgent;

export function openConnections(address: string): Connections {
  const options = { keepAlive: true, maxSockets: CONNECTIONS };
  return address.startsWith('https:') ? new HttpsAgent(options) : new HttpAgent(options);
}

export interface Get {
  url: string;
  timeoutMs: number;
  /** The error when the connection closes without an answer. */
  onClosed: NodeErrorCode;
  /** The service has answered at this address: a refusal is that of a proxy before it, and passes. */
  known: boolean;
}

/** Sends a GET and waits for the answer to begin. @throws NodeError; the signal's reason when it aborts */
export async function get(
  agent: Connections,
  { url, timeoutMs, onClosed, known }: Get,
  signal: AbortSignal | undefined,
): Promise<IncomingMessage> {
  signal?.throwIfAborted();
  const send = url.startsWith('https:') ? httpsGet : httpGet;
  let stopWaiting = () => undefined as void;
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    const request = send(url, { agent, ...(signal ? { signal } : {}) }, resolve);
    let timer: NodeJS.Timeout | undefined;
    // Not before: until it has a connection, the request waits for others of ours.
    request.once('socket', () => {
      timer = setTimeout(() => {
        const why = `no answer within ${timeoutMs / 1000} s; is the node overloaded, or the link down?`;
        reject(new NodeError('NODE_TIMEOUT', url, why, true, undefined));
        request.destroy();
      }, timeoutMs);
    });
    request.on('error', (error) => reject(connectionError(url, error, onClosed)));
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      reject(statusError(url, response.statusCode ?? 0, known));
    });
    // A request that still waits for a connection does not hear of its signal.
    const onAbort = () => reject(signal?.reason as Error);
    signal?.addEventListener('abort', onAbort);
    stopWaiting = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
  });
  const answer = await answered.finally(() => stopWaiting());
  if (answer.statusCode === 200) return answer;
  answer.destroy(); // its content says nothing, and may have no end
  throw statusError(url, answer.statusCode ?? 0, known);
}

function connectionError(url: string, error: Error, onClosed: NodeErrorCode): NodeError {
  const code = codeOf(error);
  const options = { cause: error };
  if (code.startsWith('HPE_')) {
    const why = `the answer is not HTTP (${error.message}); is this a backup service?`;
    return new NodeError('NODE_BAD_ANSWER', url, why, true, undefined, options);
  }
  if (!CLOSED.has(code)) {
    const why = `no connection (${code || error.message}); is the node running, and is this its backup service?`;
    return new NodeError('NODE_UNREACHABLE', url, why, true, undefined, options);
  }
  if (onClosed === 'NODE_ABORTED_BEFORE_FIRST_RECORD') {
    const reached = { records: 0, bytes: 0 };
    return new NodeError(onClosed, url, BEFORE_FIRST, true, reached, options);
  }
  const why = `the connection failed: ${error.message}`;
  return new NodeError(onClosed, url, why, true, undefined, options);
}

function statusError(url: string, status: number, known: boolean): NodeError {
  // 400 and 405 say that the request itself is wrong; it will not get better. 408, 429 and, where there
  // is a service, the others come from proxies before it, while it is started again perhaps.
  const wrong = status === 400 || status === 405;
  const retryable = status >= 500 || status === 408 || status === 429 || (known && !wrong);
  const why =
    status >= 500
      ? `status ${status}; the node may have pruned this, or not have it yet (its log says more)`
      : known
        ? `status ${status}, which the node does not answer; a proxy before it may, while the node is away`
        : `status ${status}; is this the address of a backup service?`;
  return new NodeError('NODE_HTTP_STATUS', url, why, retryable, undefined, { status });
}

/** The code of an error, or of the first of several tried addresses. */
function codeOf(error: Error & { code?: string; errors?: (Error & { code?: string })[] }): string {
  return error.code ?? error.errors?.[0]?.code ?? '';
}
