import type { RestError } from '@azure/storage-blob';
import type { StorageErrorCode } from '../../errors/catalogue.js';
import { MayPass } from '../objects/patience.js';
import { type Asked, brokenOff, fault, noAnswer, passing } from '../objects/request-faults.js';
import { StorageError } from '../storage-error.js';

export interface AzureAsked extends Asked {
  /** Where the credentials come from. */
  credentials: string;
}

/** Azure accepts requests whose time differs so much from its own. */
const MOST_CLOCK_SKEW_MS = 15 * 60_000;

/**
 * Turns an error of the SDK into one that says what to do. Shows nothing of what was sent, which may hold secrets.
 */
export function azureError(asked: AzureAsked, thrown: unknown): Error {
  if (thrown instanceof StorageError || thrown instanceof MayPass) return thrown;
  const { description } = asked;
  if (!(thrown instanceof Error)) return fault(asked, 'STORAGE_FAILED', `${description} failed`);
  if (isAnswer(thrown)) return errorOfAnswer(asked, thrown);
  if (/^(Aggregate)?Authentication|^CredentialUnavailable/.test(thrown.name)) {
    return fault(asked, 'DENIED', noCredentials(asked, thrown));
  }
  if (/non-TLS|non-https/i.test(thrown.message)) {
    const why = `${asked.credentials} are only sent over https; give ${description} an endpoint of https, or set AZURE_STORAGE_KEY`;
    return fault(asked, 'DENIED', why);
  }
  const code = codeOf(thrown);
  if (code === 'PARSE_ERROR') return brokenOff(asked);
  // The SDK trips over an answer that lacks what every answer has.
  if (thrown instanceof TypeError || thrown instanceof RangeError) return notAzure(asked);
  if (code === 'ENOTFOUND') {
    const why = `the host of ${description} has no address (ENOTFOUND); check the name of the account, and whether this host can resolve names`;
    return passing(asked, 'STORAGE_FAILED', why);
  }
  return noAnswer(asked, code === 'REQUEST_SEND_ERROR' ? '' : code);
}

/** An answer that says that all is well, and did not come from Azure. It may pass. */
export function notAzure(asked: Asked): MayPass {
  const why = `${asked.description} gave an answer that is not from Azure when asked to ${asked.what}; check the endpoint and any proxy before it`;
  return passing(asked, 'STORAGE_FAILED', why);
}

/** Azure's code of a fault, e.g. BlobNotFound. '' when there was no answer, or none with a code. */
export function codeOf(thrown: unknown): string {
  const { code, response } = thrown as Partial<RestError>;
  const told = response?.headers.get('x-ms-error-code') ?? code;
  return typeof told === 'string' && /^\w+$/.test(told) ? told : '';
}

function isAnswer(error: Error): error is RestError & { statusCode: number } {
  const { statusCode } = error as Partial<RestError>;
  return typeof statusCode === 'number' && codeOf(error) !== 'PARSE_ERROR';
}

function errorOfAnswer(asked: AzureAsked, answer: RestError & { statusCode: number }): Error {
  const { description, what, key } = asked;
  const { statusCode: status } = answer;
  const code = codeOf(answer);
  const says = code === '' ? `${status}` : `${status} ${code}`;
  const of = (as: StorageErrorCode, why: string) => fault(asked, as, why);
  if (status === 429 || (status === 503 && code !== 'InternalError')) {
    const why = `${description} still answers ${says} when asked to ${what}: it is asked too much; the work goes on when it is less busy`;
    return new MayPass('throttled', of('STORAGE_THROTTLED', why));
  }
  if (status === 408 || status >= 500) {
    const why = `${description} still answers ${says} when asked to ${what}; the work goes on when it does not`;
    return new MayPass('trouble', of('STORAGE_FAILED', why));
  }
  if (status === 400 && (code === 'Md5Mismatch' || /contentMD5/i.test(answer.message))) {
    const why = `${description} received other bytes than were sent when asked to ${what}; is there a proxy before it that changes them?`;
    return new MayPass('trouble', of('STORAGE_FAILED', why));
  }
  if (status === 401 || status === 403) return of('DENIED', denied(asked, answer, says));
  if (code === 'PublicAccessNotPermitted' || (status === 404 && code === 'ResourceNotFound')) {
    const why = `${description} is not there, or not public with a listing (${says}); check its name, and give credentials`;
    return of('STORAGE_MISSING', why);
  }
  if (status === 404) {
    const why = `${description} is not there (${says}); check the names of account and container`;
    return of('STORAGE_MISSING', why);
  }
  if (code === 'BlobArchived' || code === 'BlobBeingRehydrated') {
    const why = `${key} in ${description} is in the archive tier (${says}); rehydrate it before it is read`;
    return of('STORAGE_FAILED', why);
  }
  if (/Immutab|LegalHold|Lease/.test(code)) {
    const why = `${description} does not let us ${what} (${says}): a policy or somebody's lease protects it; remove it, or leave the blob`;
    return of('DENIED', why);
  }
  const why = `${description} answers ${says} when asked to ${what}; is the endpoint a blob service of Azure?`;
  return of('STORAGE_FAILED', why);
}

function denied(asked: AzureAsked, answer: RestError, says: string): string {
  const { description, credentials, what } = asked;
  const served = Date.parse(answer.response?.headers.get('date') ?? '');
  const skew = Date.now() - served;
  if (Math.abs(skew) > MOST_CLOCK_SKEW_MS) {
    const minutes = Math.round(Math.abs(skew) / 60_000);
    return `the clock of this host is ${minutes} minutes ${skew > 0 ? 'ahead of' : 'behind'} that of ${description}, which refuses such requests (${says}); set the clock`;
  }
  const nothing = `${description} does not let us ${what} with ${credentials} (${says})`;
  if (/PermissionMismatch|InsufficientAccountPermissions/.test(says)) {
    return `${nothing}; give the identity the role Storage Blob Data Contributor on the container, or the SAS token the rights to read, write, list and delete`;
  }
  if (/KeyBasedAuthenticationNotPermitted/.test(says)) {
    return `${nothing}: the account accepts no keys; unset them, and give an identity that has a role on the container`;
  }
  if (/SourceIP|AuthorizationFailure/.test(says)) {
    return `${nothing}; check the credentials, and that the firewall of the account lets this host in`;
  }
  const { authenticationErrorDetail: detail } = (answer.details ?? {}) as Record<string, unknown>;
  if (typeof detail === 'string' && /time frame|expir/i.test(detail)) {
    return `${nothing}: they have expired, or are not valid yet; make new ones`;
  }
  return `${nothing}; check that they are of this account and not revoked, and the clock of this host`;
}

function noCredentials({ description, credentials }: AzureAsked, error: Error): string {
  const errors = (error as { errors?: unknown }).errors;
  const all = Array.isArray(errors) ? (errors as unknown[]) : [error];
  const refused = all.some((one) => (one as Error).name === 'AuthenticationError');
  return refused
    ? `Azure's identity service refused ${credentials} for ${description}; they are wrong, expired or revoked; renew them, and check the clock of this host`
    : `no credentials were found for ${description}; set AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN, give the host a managed identity, log in with "az login", or add anonymous=true to the URL of a public container`;
}
