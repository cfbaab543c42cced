import { createHash } from 'node:crypto';
import { shorten } from '../lib/shorten.js';
import type { NotifySettings } from './settings.js';
import type { Way } from './way.js';

/** How long a receiver may take, from the connection to the end of its answer. */
const TIMEOUT_MS = 10_000;
const MOST_ANSWER = 300;
/** A shorter part of a URL or a header is a word, and no secret. */
const LEAST_SECRET = 8;

/** Sends messages with POST, as JSON. Redirects are not followed: they could lead secrets to another host. */
export function webhookWay(
  { url, to, headers }: NonNullable<NotifySettings['webhook']>,
  timeoutMs = TIMEOUT_MS,
): Way {
  const id = createHash('sha256').update(url).digest('hex').slice(0, 16);
  const secrets = secretsOf(url, headers);
  return {
    name: 'webhook',
    to,
    id: `webhook ${id}`,
    async send(message, signal) {
      const late = AbortSignal.timeout(timeoutMs);
      try {
        const response = await fetch(url, {
          method: 'POST',
          headers: { 'user-agent': 'aptos-backup', ...headers, 'content-type': 'application/json' },
          body: JSON.stringify(message),
          redirect: 'manual',
          signal: AbortSignal.any([signal, late]),
        });
        const answer = await beginOf(response, secrets);
        if (response.ok) return `answered ${response.status}${answer}`;
        throw new Error(refused(response, answer));
      } catch (error) {
        signal.throwIfAborted();
        if (late.aborted) throw new Error(`no answer within ${timeoutMs / 1000} s`);
        throw new Error(lineOf(error));
      }
    },
  };
}

function refused({ status, headers }: Response, answer: string): string {
  const location = headers.get('location');
  if (status < 300 || status > 399 || location === null) return `answered ${status}${answer}`;
  const origin = URL.canParse(location) ? ` to ${new URL(location).origin}` : '';
  return `answered ${status}, a redirect${origin}, which is not followed: give the URL that it leads to`;
}

/** What of a request must not be shown, the longest first: whoever knows the URL or a header may send. */
function secretsOf(url: string, headers: Readonly<Record<string, string>>): string[] {
  const { pathname, search } = new URL(url);
  const parts = [
    ...pathname.split('/'),
    ...search.slice(1).split(/[&=]/),
    ...Object.values(headers).flatMap((value) => [value, ...value.split(/\s+/)]),
  ];
  const whole = [pathname + search, pathname].filter(({ length }) => length > 3);
  const secrets = [...whole, ...parts.filter(({ length }) => length >= LEAST_SECRET)];
  return [...new Set([...secrets, ...secrets.map(decoded)])].sort((a, b) => b.length - a.length);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * The begin of an answer in one line, after a colon; empty if there is none. Reads no more than that. A receiver may
 * repeat what it was asked: "Cannot POST /hooks/...".
 */
async function beginOf({ body }: Response, secrets: readonly string[]): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const part of (body ?? []) as AsyncIterable<Uint8Array>) {
    text += decoder.decode(part, { stream: true });
    if (text.length > MOST_ANSWER) break;
  }
  for (const secret of secrets) text = text.replaceAll(secret, '***');
  // A receiver must not control the terminal.
  const line = text.replace(/[\u0000-\u001f\u007f-\u009f\s]+/g, ' ').trim();
  return line === '' ? '' : `: ${shorten(line, MOST_ANSWER)}`;
}

/** The cause of an error of fetch, which itself only says that it failed. */
function lineOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  // Several addresses were tried, and there is no message.
  const { message, code } = cause as NodeJS.ErrnoException;
  return (message || code || error.message).split('\n')[0]!;
}
