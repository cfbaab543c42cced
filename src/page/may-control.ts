import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** A script of another site cannot send it without asking first, and nobody answers that question. */
export const PAGE_HEADER = 'x-aptos-backup-page';

const LOOPBACK = /^(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]{1,5})?$/i;

/** With one of these a proxy says that it hands on what somebody else asks, who need not be on this host. */
const OF_PROXIES = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];

/** Where the page listens, and the token that it was given. */
export interface Place {
  /** Host and port. */
  host: string;
  token: string | undefined;
}

/** Why a page at such a place controls nothing at all; undefined when it may. */
export function closedTo({ host, token }: Place): string | undefined {
  if (token !== undefined || LOOPBACK.test(host)) return undefined;
  return `the page controls nothing, because it listens on ${host} without a token: give --page-token-file FILE, or listen on 127.0.0.1`;
}

/**
 * Why a control is refused; undefined when it may go on. It must come from the page itself, not from another site
 * that this browser has open. With a token it must name the token, which no other site knows: then it may come through
 * a proxy, under any name. Without one it must have come over loopback, and under a name of loopback, so that no name
 * of somebody else leads here.
 */
export function refusalOf(
  { headers }: Pick<IncomingMessage, 'headers'>,
  place: Place,
): { code: 401 | 403; why: string } | undefined {
  const forbidden = (why: string) => ({ code: 403 as const, why });
  const closed = closedTo(place);
  if (closed !== undefined) return forbidden(closed);
  const { host = '', origin, authorization } = headers;
  if (headers[PAGE_HEADER] === undefined) {
    return forbidden(`a control needs the header ${PAGE_HEADER}, which the page sends`);
  }
  const { token } = place;
  if (token !== undefined) {
    if (sameText(authorization ?? '', `Bearer ${token}`)) return undefined;
    const why = authorization === undefined ? 'a control needs the token' : 'this is not the token';
    return { code: 401, why: `${why} of --page-token-file` };
  }
  if (origin !== undefined && !isOf(origin, host)) {
    return forbidden(`the control came from ${origin}, not from the page at ${host}`);
  }
  if (!LOOPBACK.test(host)) {
    return forbidden(
      `without a token, the page is controlled only as localhost or 127.0.0.1, not as "${host}"`,
    );
  }
  const proxy = OF_PROXIES.find((name) => headers[name] !== undefined);
  if (proxy === undefined) return undefined;
  return forbidden(
    `the control came through a proxy, as its header ${proxy} says: without a token, the page is controlled only from this host; give --page-token-file FILE`,
  );
}

/** Whether an origin is that of a host, which may name the usual port or leave it out. */
function isOf(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, host: from } = new URL(origin);
  const own = `${protocol}//${host}`;
  return URL.canParse(own) && new URL(own).host === from;
}

/** Takes the same time for all texts, so that nobody learns a token letter by letter. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
