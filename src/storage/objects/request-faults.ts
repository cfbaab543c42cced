import type { StorageErrorCode } from '../../errors/catalogue.js';
import { StorageError } from '../storage-error.js';
import { MayPass } from './patience.js';

/** What a store was asked for, for messages. */
export interface Asked {
  /** E.g. "bucket gs://name/prefix". */
  description: string;
  /** The end of a sentence: it follows "when asked to". */
  what: string;
  /** '' for none. */
  key: string;
}

export function fault({ key }: Asked, code: StorageErrorCode, why: string): StorageError {
  return new StorageError(code, key, why);
}

/** A fault that may pass within seconds. */
export function passing(asked: Asked, code: StorageErrorCode, why: string): MayPass {
  return new MayPass('trouble', fault(asked, code, why));
}

export function silentFor(asked: Asked, idleMs: number): MayPass {
  const why = `${asked.description} was silent for ${idleMs / 1000} s when asked to ${asked.what}; is it reachable?`;
  return passing(asked, 'STORAGE_STALLED', why);
}

/** An answer that ended before its end. */
export function brokenOff(asked: Asked): MayPass {
  const why = `${asked.description} broke off its answer when asked to ${asked.what}; check the endpoint and what stands in between`;
  return passing(asked, 'STORAGE_FAILED', why);
}

/** There was no answer. `code`: of the network or of TLS, e.g. ECONNREFUSED; '' when there is none. */
export function noAnswer(asked: Asked, code: string): StorageError | MayPass {
  const { description, what } = asked;
  if (/^(CERT_|ERR_TLS|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(code)) {
    const why = `the certificate of ${description} was not accepted (${code}); is the clock of this host right, and is its certificate authority in NODE_EXTRA_CA_CERTS?`;
    return fault(asked, 'STORAGE_FAILED', why);
  }
  if (code === 'EPROTO') {
    const why = `${description} does not speak TLS (EPROTO); should its endpoint begin with http://?`;
    return fault(asked, 'STORAGE_FAILED', why);
  }
  const cause = code === '' ? 'the connection broke' : code;
  const why = `${description} cannot be reached (${cause}) when asked to ${what}; the work goes on when it can`;
  return passing(asked, 'STORAGE_FAILED', why);
}
