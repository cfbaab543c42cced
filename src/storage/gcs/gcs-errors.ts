import type { StorageErrorCode } from '../../errors/catalogue.js';
import { shorten } from '../../lib/shorten.js';
import { MayPass } from '../objects/patience.js';
import { type Asked, fault, noAnswer, passing } from '../objects/request-faults.js';
import { StorageError } from '../storage-error.js';

export interface GcsAsked extends Asked {
  anonymous: boolean;
}

/** Turns an answer that is a fault into an error that says what to do. Never shows what was sent. */
export function errorOfAnswer(asked: GcsAsked, status: number, body: string): Error {
  const { description, what } = asked;
  const { reason, message } = readFault(body);
  const says = message === '' ? '' : ` (${message})`;
  const of = (code: StorageErrorCode, why: string) => fault(asked, code, `${description} ${why}`);
  if (isBusy(status, reason)) {
    const why = `still answers ${status} when asked to ${what}${says}; the work goes on when it is less busy`;
    if (status >= 500 && status !== 503) return new MayPass('trouble', of('STORAGE_FAILED', why));
    return new MayPass('throttled', of('STORAGE_THROTTLED', why));
  }
  if (status === 403 && /retention|hold/i.test(reason)) {
    const why = `does not let us ${what}${says}: a retention policy or a hold protects the object; small files of our own are replaced again and again, so use a bucket without one`;
    return of('DENIED', why);
  }
  if (status === 401 || status === 403) {
    const refused = of('DENIED', denied(asked, status, says));
    // The next attempt looks for credentials again, and may find other ones.
    return status === 401 && !asked.anonymous ? new MayPass('trouble', refused) : refused;
  }
  if (status === 404) {
    const why = `is not there${says}; check the name of the bucket, and the endpoint if one is given`;
    return of('STORAGE_MISSING', why);
  }
  if (status === 400 && /userProject|requester pays/i.test(message)) {
    return of(
      'DENIED',
      `is a bucket whose reader pays for requests, which is not supported${says}`,
    );
  }
  if (isDamagedOnTheWay(status, message)) {
    return new MayPass(
      'trouble',
      of('STORAGE_FAILED', `received other bytes than were sent${says}`),
    );
  }
  return of(
    'STORAGE_FAILED',
    `answers ${status} when asked to ${what}${says}; is the endpoint one of GCS?`,
  );
}

/** Turns what a request threw into an error: there was no answer, or it broke off. */
export function errorOfConnection(asked: GcsAsked, thrown: unknown): Error {
  if (thrown instanceof StorageError || thrown instanceof MayPass) return thrown;
  return noAnswer(asked, codeOf(thrown));
}

/**
 * Turns a failure to get credentials into an error. Does not show its own words, which may quote a file of
 * credentials.
 */
export function errorOfCredentials(asked: GcsAsked, thrown: unknown): Error {
  const { description } = asked;
  const { response, message } = thrown as { response?: TokenAnswer; message?: string };
  if (response?.status !== undefined) {
    const text = `${message} ${response.data?.error_description}`;
    return tokenRefused(asked, response.status, text);
  }
  const code = codeOf(thrown);
  if (/^E(CONN|HOST|NET|PIPE|TIMEDOUT|AI_AGAIN)|^ENOTFOUND$/.test(code)) {
    const why = `Google's token server cannot be reached (${code}), to ask for ${description}; the work goes on when it can`;
    return passing(asked, 'STORAGE_FAILED', why);
  }
  const why = `no usable Google credentials were found for ${description}; set GOOGLE_APPLICATION_CREDENTIALS to a file of credentials, log in with "gcloud auth application-default login", or add anonymous=true to the URL of a public bucket`;
  return fault(asked, 'DENIED', why);
}

export function tokenServerSilent(asked: GcsAsked, idleMs: number): MayPass {
  const why = `Google's token server was silent for ${idleMs / 1000} s when asked for ${asked.description}; is it reachable?`;
  return passing(asked, 'STORAGE_STALLED', why);
}

/** GCS also answers 403 to too many requests. */
function isBusy(status: number, reason: string): boolean {
  if (status === 408 || status === 429 || status >= 500) return true;
  return status === 403 && /rateLimitExceeded/i.test(reason);
}

function isDamagedOnTheWay(status: number, message: string): boolean {
  return status === 400 && /md5|crc32c|checksum|hash/i.test(message);
}

function denied({ anonymous, what }: GcsAsked, status: number, says: string): string {
  const nothing = `does not let us ${what}`;
  if (anonymous)
    return `${nothing} without credentials${says}; leave anonymous=true out of its URL`;
  if (status === 401) {
    return `${nothing} with the credentials of this host (401)${says}; renew them, and check the clock of this host`;
  }
  return `${nothing}${says}; give these credentials the role Storage Object User on the bucket`;
}

/** Google's token server answered with a fault. */
function tokenRefused(asked: GcsAsked, status: number, text: string): Error {
  const { description } = asked;
  if (status === 429 || status >= 500) {
    const why = `Google's token server answers ${status} to those who ask for ${description}; the work goes on when it is less busy`;
    return passing(asked, 'STORAGE_FAILED', why);
  }
  const why = /\biat\b|\bexp\b|timeframe/.test(text)
    ? `the clock of this host is wrong: Google's token server does not accept its time; set it, so that ${description} can be reached`
    : `Google's token server refused the credentials for ${description} (${status}); they have expired, were revoked, or have no right to it: renew them`;
  return fault(asked, 'DENIED', why);
}

/** The words of an answer. GCS says in them what is missing. They hold no secrets. */
function readFault(body: string): { reason: string; message: string } {
  try {
    const { error } = JSON.parse(body) as {
      error?: { message?: unknown; errors?: { reason?: unknown }[] };
    };
    const text = (value: unknown) => (typeof value === 'string' ? value : '');
    const line = text(error?.message).replace(/\s+/g, ' ').replace(/\.$/, '');
    return { reason: text(error?.errors?.[0]?.reason), message: shorten(line, 300) };
  } catch {
    return { reason: '', message: '' };
  }
}

interface TokenAnswer {
  status?: number;
  data?: { error_description?: string };
}

function codeOf(thrown: unknown): string {
  const { code } = thrown as { code?: unknown };
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(code) ? code : '';
}
