import type { StorageErrorCode } from '../../errors/catalogue.js';
import { StorageError } from '../storage-error.js';

/** Whether the same request may succeed in a moment, and what has to be done before. */
export type Passing = 'throttled' | 'trouble' | 'credentials' | 'no';

const THROTTLED = new Set([
  ...['SlowDown', 'Throttling', 'ThrottlingException', 'ThrottledException', 'RequestThrottled'],
  ...[
    'RequestThrottledException',
    'RequestLimitExceeded',
    'TooManyRequests',
    'BandwidthLimitExceeded',
  ],
  ...['TooManyRequestsException', 'ServiceUnavailable', 'SlowDownRead', 'SlowDownWrite'],
]);
/** Credentials that were good once: the chain may have newer ones. */
const EXPIRED = new Set([
  ...['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired', 'InvalidToken'],
  ...['InvalidAccessKeyId', 'SignatureDoesNotMatch'],
]);
const TROUBLE = new Set([
  ...[
    'RequestTimeout',
    'RequestTimeoutException',
    'TimeoutError',
    'InternalError',
    'IncompleteBody',
  ],
  ...['BadDigest', 'XAmzContentChecksumMismatch', 'OperationAborted', 'ConditionalRequestConflict'],
  'RequestTimeTooSkewed',
]);

const NETWORK = /^(E(?!RR_|PROTO)[A-Z_]+|ERR_STREAM_PREMATURE_CLOSE)$/;

interface Meaning {
  code: StorageErrorCode;
  why: string;
}

function meaning(code: StorageErrorCode, why: string): Meaning {
  return { code, why };
}

/** Not a code of S3: the SDK's chain could not read a file, such as the token of a workload. */
const UNREADABLE = 'CredentialsFileUnreadable';

const REJECTED = meaning('DENIED', 'it does not accept the credentials; check them');
const EXPIRED_ONES = meaning('DENIED', 'the credentials have expired; renew them');
const OTHER_REGION = 'the bucket is in another region; set it with the parameter region=';

/** What S3 answers, by its code. */
const KNOWN: Record<string, Meaning> = {
  NoSuchBucket: meaning('STORAGE_MISSING', 'there is no such bucket; check its name, or create it'),
  NoSuchKey: meaning('NOT_FOUND', 'there is no such file'),
  NotFound: meaning('NOT_FOUND', 'there is no such file'),
  NoSuchUpload: meaning('FOLDER_GONE', 'somebody ended the upload'),
  AccessDenied: meaning('DENIED', 'not permitted; check the credentials and their rights'),
  InvalidAccessKeyId: REJECTED,
  SignatureDoesNotMatch: REJECTED,
  ExpiredToken: EXPIRED_ONES,
  ExpiredTokenException: EXPIRED_ONES,
  TokenRefreshRequired: EXPIRED_ONES,
  InvalidToken: EXPIRED_ONES,
  CredentialsProviderError: meaning(
    'DENIED',
    'this host has no credentials; set them in the environment, in a profile or as a role of the host, or add anonymous=true for a public bucket',
  ),
  [UNREADABLE]: meaning(
    'DENIED',
    'a file of its credentials cannot be read; check AWS_WEB_IDENTITY_TOKEN_FILE and the profile',
  ),
  RequestTimeTooSkewed: meaning(
    'STORAGE_FAILED',
    'the clock of this host differs too much from that of the store; set it',
  ),
  NoRegion: meaning('PATH_INVALID', 'no region is known; set it with the parameter region='),
  PermanentRedirect: meaning('PATH_INVALID', OTHER_REGION),
  AuthorizationHeaderMalformed: meaning('PATH_INVALID', OTHER_REGION),
  IllegalLocationConstraintException: meaning('PATH_INVALID', OTHER_REGION),
  InvalidBucketName: meaning('PATH_INVALID', 'the name of the bucket is not valid; check it'),
  InvalidObjectState: meaning('STORAGE_FAILED', 'the object is archived; restore it'),
  EntityTooLarge: meaning('STORAGE_UNFIT', 'the object is too large for it; use smaller chunks'),
  NotImplemented: meaning('STORAGE_UNFIT', 'it cannot do that; use another store'),
  QuotaExceeded: meaning('NO_SPACE', 'the quota is used up; raise it'),
  InsufficientStorage: meaning('NO_SPACE', 'the store is full; make room'),
  XMinioStorageFull: meaning('NO_SPACE', 'the store is full; make room'),
  TimeoutError: meaning('STORAGE_STALLED', 'it did not answer in time; is it reachable?'),
  ECONNREFUSED: meaning('STORAGE_FAILED', 'nothing answers there; does the store run?'),
  ENOTFOUND: meaning('STORAGE_FAILED', 'its host name is not known; check endpoint and region'),
  EPROTO: meaning(
    'STORAGE_FAILED',
    'it does not speak TLS; should its endpoint begin with http://?',
  ),
  BadDigest: meaning('STORAGE_FAILED', 'it received other bytes than were sent; check the network'),
};

/** The error for a successful answer that did not come from S3. `what` is to be read after "cannot". */
export function noStore(what: string, handle: string): StorageError {
  const why = `cannot ${what}: the answer did not come from an S3 service; check the endpoint and any proxy before it`;
  return new StorageError('STORAGE_FAILED', handle, why);
}

/** The error code of S3 or of the network. */
export function reasonOf(error: unknown): string {
  if (error instanceof StorageError) return (error.cause as Error | undefined)?.name ?? '';
  const { name, code, Code, message, syscall } = error as {
    name?: string;
    code?: string;
    Code?: string;
    message?: string;
    syscall?: string;
  };
  if (syscall === 'open' && (code === 'ENOENT' || code === 'EACCES')) return UNREADABLE;
  if (message === 'Region is missing') return 'NoRegion';
  if (code !== undefined && NETWORK.test(code)) return code;
  // The SDK names an unknown error by its code. The answer to a HEAD has no code.
  if (name === undefined || name === 'Error' || name === 'UnknownError') return Code ?? code ?? '';
  return name;
}

/** The status of the answer. Undefined when there was none. */
export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

export function passingOf(error: unknown): Passing {
  const reason = reasonOf(error);
  const status = statusOf(error);
  if (reason === UNREADABLE) return 'no';
  if (THROTTLED.has(reason) || status === 429 || status === 503) return 'throttled';
  if (EXPIRED.has(reason)) return 'credentials';
  if (TROUBLE.has(reason) || (status !== undefined && status >= 500 && status !== 501)) {
    return reason === 'NotImplemented' || KNOWN[reason]?.code === 'NO_SPACE' ? 'no' : 'trouble';
  }
  if (status !== undefined && status >= 300) return 'no';
  // A successful answer that cannot be read was cut off, or did not come from S3.
  return status !== undefined || isOfNetwork(error) ? 'trouble' : 'no';
}

/** A connection that failed, or broke off. */
function isOfNetwork(error: unknown): boolean {
  const { code = '', message = '' } = error as NodeJS.ErrnoException;
  return NETWORK.test(code) || /socket hang up|aborted/.test(message);
}

/**
 * Turns an error of the SDK into one that says what to do. It shows nothing of the request, which holds a signature.
 */
export function s3Error(error: unknown, handle: string, what: string): StorageError {
  if (error instanceof StorageError) return error;
  const reason = reasonOf(error) || `${statusOf(error) ?? 'no answer'}`;
  const { code, why } = KNOWN[reason] ?? byStatus(error, reason);
  const cause = new Error((error as Error).message);
  cause.name = reason;
  return new StorageError(code, handle, `${what}: ${why} (${reason})`, { cause });
}

function byStatus(error: unknown, reason: string): Meaning {
  const status = statusOf(error);
  const passing = passingOf(error);
  if (passing === 'throttled') return meaning('STORAGE_THROTTLED', 'it asks for fewer requests');
  if (reason.startsWith('KMS.')) return meaning('DENIED', 'its key cannot be used; check the key');
  if (status === 401 || status === 403) return KNOWN['AccessDenied']!;
  if (status === 404) {
    return meaning('NOT_FOUND', 'there is no such file; is the endpoint that of an S3 service?');
  }
  if (status === 301) return KNOWN['PermanentRedirect']!;
  if (status === 507) return KNOWN['InsufficientStorage']!;
  if (status === undefined && passing === 'trouble') {
    return meaning('STORAGE_FAILED', 'the connection failed; is it reachable?');
  }
  return meaning('STORAGE_FAILED', (error as Error).message.split('\n')[0]!.slice(0, 300));
}
