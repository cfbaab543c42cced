import { type IncomingMessage, Agent as HttpAgent, get as httpGet } from 'node:http';
import { Agent as HttpsAgent, get as httpsGet } from 'node:https';
import { NodeError } from './node-error.js';
import type { NodeErrorCode } from '../errors/catalogue.js';

/** Connections of one client; the service has 64 threads for all of its streams. */
const CONNECTIONS = 8;

/** How long, in milliseconds, and how many bytes of a page are read, and how many characters of it are reported. */
const FIRST_WORDS_MS = 1_000;
const MOST_READ = 2_000;
const MOST_WORDS = 80;

/** Codes of a connection that was open and closed. With any other code it was never open. */
const CLOSED = new Set(['ECONNRESET', 'ECONNABORTED', 'EPIPE']);

/** The service gives no reason. These are the possible ones. */
export const BEFORE_FIRST =
  'the node broke off before the first record; it may have pruned this range, or cannot read it';

/** A few connections to one node that stay open. This HTTP client of Node.js ignores proxy settings. */
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
  /** The service has answered at this address before. A wrong status then comes from a proxy, and passes. */
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
    // The time starts when the request has a connection. Until then it waits for our other requests, not for the node.
    request.once('socket', () => {
      timer = setTimeout(() => {
        const why = `no answer within ${timeoutMs / 1000} s; is the node overloaded, or the link down?`;
        reject(new NodeError('NODE_TIMEOUT', url, why, undefined));
        request.destroy();
      }, timeoutMs);
    });
    request.on('error', (error) => reject(connectionError(url, error, onClosed)));
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      reject(statusError(url, response, known));
    });
    // Node.js does not cancel a request by its signal while the request waits for a connection.
    const onAbort = () => reject(signal?.reason as Error);
    signal?.addEventListener('abort', onAbort);
    stopWaiting = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
  });
  const answer = await answered.finally(() => stopWaiting());
  if (answer.statusCode === 200 && !isPage(answer)) return answer;
  if (answer.statusCode === 200) {
    const words = await firstWords(answer);
    signal?.throwIfAborted();
    throw pageError(url, words);
  }
  answer.destroy(); // its content says nothing, and may have no end
  throw statusError(url, answer, known);
}

function connectionError(url: string, error: Error, onClosed: NodeErrorCode): NodeError {
  const code = codeOf(error);
  const options = { cause: error };
  if (code.startsWith('HPE_')) {
    const why = `the answer is not HTTP (${error.message}); is this a backup service?`;
    return new NodeError('NODE_BAD_ANSWER', url, why, undefined, options);
  }
  if (!CLOSED.has(code)) {
    const why = `no connection (${code || error.message}); is the node running, and is this its backup service?`;
    return new NodeError('NODE_UNREACHABLE', url, why, undefined, options);
  }
  if (onClosed === 'NODE_ABORTED_BEFORE_FIRST_RECORD') {
    const reached = { records: 0, bytes: 0 };
    return new NodeError(onClosed, url, BEFORE_FIRST, reached, options);
  }
  const why = `the connection failed: ${error.message}`;
  return new NodeError(onClosed, url, why, undefined, options);
}

function statusError(url: string, answer: IncomingMessage, known: boolean): NodeError {
  const status = answer.statusCode ?? 0;
  const retryAfterMs = readRetryAfter(answer.headers['retry-after']);
  // 400 and 405 say that the request is wrong, so a retry does not help. 408 and 429 come from a proxy in front of
  // the service. So do the others if the service is known: perhaps the node is being restarted.
  const wrong = status === 400 || status === 405;
  const retryable = status >= 500 || status === 408 || status === 429 || (known && !wrong);
  const why =
    status >= 500
      ? `status ${status}; the node may have pruned this, or not have it yet (its log says more)`
      : known
        ? `status ${status}, which the node does not answer; a proxy before it may, while the node is away`
        : `status ${status}; is this the address of a backup service?`;
  return new NodeError(retryable ? 'NODE_HTTP_STATUS' : 'NODE_REFUSED', url, why, undefined, {
    status,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** A backup service never answers with a page. A proxy before it does, or a server of another kind. */
function isPage(answer: IncomingMessage): boolean {
  return /^text\/html\b/i.test(answer.headers['content-type'] ?? '');
}

/** The beginning of a page without its tags, in one line; as much as comes within a second. */
async function firstWords(answer: IncomingMessage): Promise<string> {
  const late = setTimeout(() => answer.destroy(), FIRST_WORDS_MS);
  let text = '';
  try {
    for await (const part of answer as AsyncIterable<Buffer>) {
      text += part.toString('latin1');
      if (text.length >= MOST_READ) break;
    }
  } catch {
    // The part that came is enough.
  } finally {
    clearTimeout(late);
    answer.destroy();
  }
  const plain = text.replace(/<[^>]*>/g, ' ').replace(/[^\x21-\x7e]+/g, ' ');
  return plain.trim().slice(0, MOST_WORDS);
}

/** May pass, as a 502 does, also from a service that has never answered. */
function pageError(url: string, words: string): NodeError {
  const why = `status 200, but with a page instead of data: "${words}"; a proxy before the node may answer while that is away. Is this the address of a backup service?`;
  return new NodeError('NODE_HTTP_STATUS', url, why, undefined, { status: 200 });
}

/** Milliseconds from now. The header has seconds or a date. */
function readRetryAfter(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

/** The code of an error. If several addresses of a host failed, the code of the first. */
function codeOf(error: Error & { code?: string; errors?: (Error & { code?: string })[] }): string {
  return error.code ?? error.errors?.[0]?.code ?? '';
}
