import {
  type Skip,
  skipAddress,
  skipBytes,
  skipFixed,
  skipOption,
  skipSequence,
  skipString,
  skipU64,
  variantAt,
} from './skip.js';

/** TransactionAuthenticator. */
export function skipTransactionAuthenticator(buf: Uint8Array, pos: number, end: number): number {
  const variant = variantAt(buf, pos, end, 5, 'TransactionAuthenticator');
  const next = pos + 1;
  if (variant <= 1) return skipKeyAndSignature(buf, next, end);
  const sender = skipAccountAuthenticator(buf, next, end);
  if (variant === 4) return sender;
  const addresses = skipSequence(buf, sender, end, skipAddress);
  const signers = skipSequence(buf, addresses, end, skipAccountAuthenticator);
  if (variant === 2) return signers;
  return skipAccountAuthenticator(buf, skipAddress(buf, signers, end), end);
}

const skipKeyAndSignature: Skip = (buf, pos, end) => skipBytes(buf, skipBytes(buf, pos, end), end);

/** AccountAuthenticator. */
export function skipAccountAuthenticator(buf: Uint8Array, pos: number, end: number): number {
  const next = pos + 1;
  switch (variantAt(buf, pos, end, 6, 'AccountAuthenticator')) {
    case 0:
    case 1:
      return skipKeyAndSignature(buf, next, end);
    case 2:
      return skipAnySignature(buf, skipAnyPublicKey(buf, next, end), end);
    case 3: {
      const keys = skipSequence(buf, next, end, skipAnyPublicKey);
      const signatures = skipSequence(buf, skipFixed(1, keys, end), end, skipAnySignature);
      return skipBytes(buf, signatures, end);
    }
    case 4:
      return next;
    default:
      return skipAbstraction(buf, next, end);
  }
}

function skipAbstraction(buf: Uint8Array, pos: number, end: number): number {
  const module = skipString(buf, skipAddress(buf, pos, end), end);
  const data = skipString(buf, module, end);
  const variant = variantAt(buf, data, end, 2, 'AbstractAuthenticationData');
  const signature = skipKeyAndSignature(buf, data + 1, end);
  return variant === 0 ? signature : skipBytes(buf, signature, end);
}

/** AnyPublicKey. */
function skipAnyPublicKey(buf: Uint8Array, pos: number, end: number): number {
  const variant = variantAt(buf, pos, end, 6, 'AnyPublicKey');
  if (variant === 3) return skipKeyless(buf, pos + 1, end);
  if (variant === 4) return skipKeyless(buf, skipAddress(buf, pos + 1, end), end);
  return skipBytes(buf, pos + 1, end);
}

const skipKeyless: Skip = (buf, pos, end) => skipBytes(buf, skipString(buf, pos, end), end);

/** AnySignature. */
function skipAnySignature(buf: Uint8Array, pos: number, end: number): number {
  const variant = variantAt(buf, pos, end, 5, 'AnySignature');
  if (variant === 2) return skipWebAuthn(buf, pos + 1, end);
  if (variant === 3) return skipKeylessSignature(buf, pos + 1, end);
  return skipBytes(buf, pos + 1, end);
}

function skipWebAuthn(buf: Uint8Array, pos: number, end: number): number {
  variantAt(buf, pos, end, 1, 'AssertionSignature');
  const signature = skipBytes(buf, pos + 1, end);
  return skipBytes(buf, skipBytes(buf, signature, end), end);
}

function skipKeylessSignature(buf: Uint8Array, pos: number, end: number): number {
  const header = skipKeylessCertificate(buf, pos, end);
  const expiry = skipFixed(8, skipString(buf, header, end), end);
  variantAt(buf, expiry, end, 2, 'EphemeralPublicKey');
  return skipEphemeralSignature(buf, skipBytes(buf, expiry + 1, end), end);
}

function skipEphemeralSignature(buf: Uint8Array, pos: number, end: number): number {
  return variantAt(buf, pos, end, 2, 'EphemeralSignature') === 0
    ? skipBytes(buf, pos + 1, end)
    : skipWebAuthn(buf, pos + 1, end);
}

function skipKeylessCertificate(buf: Uint8Array, pos: number, end: number): number {
  if (variantAt(buf, pos, end, 2, 'EphemeralCertificate') === 0) {
    variantAt(buf, pos + 1, end, 1, 'ZKP');
    const horizon = skipFixed(128, pos + 2, end);
    const extra = skipOption(buf, skipU64(buf, horizon, end), end, skipString);
    const audience = skipOption(buf, extra, end, skipString);
    return skipOption(buf, audience, end, skipEphemeralSignature);
  }
  const payload = skipString(buf, skipBytes(buf, pos + 1, end), end);
  const blinder = skipBytes(buf, skipString(buf, payload, end), end);
  return skipOption(buf, skipFixed(31, blinder, end), end, skipString);
}
