import { UnknownForm } from '../data-error.js';
import {
  type Skip,
  skipAddress,
  skipBytes,
  skipFixed,
  skipHash,
  skipOption,
  skipSequence,
  skipString,
  skipTag,
  skipU32,
  skipU64,
  variantAt,
} from './skip.js';
import { skipTransactionAuthenticator } from './skip-authenticator.js';
import { skipContractEvents, skipTypeTag, skipWriteSet } from './skip-state.js';

/**
 * Transaction, all variants.
 * @throws AptosDataError BCS_INVALID; UnknownForm. An encrypted payload counts as unknown, because its layout is not
 * final. The hashes in the record then show where the transaction ends (records/by-hashes.ts)
 */
export function skipTransaction(buf: Uint8Array, pos: number, end: number): number {
  const next = pos + 1;
  switch (variantAt(buf, pos, end, 7, 'Transaction')) {
    case 0:
      return skipTransactionAuthenticator(buf, skipRawTransaction(buf, next, end), end);
    case 1:
      return skipGenesis(buf, next, end);
    case 2:
      return skipBlockMetadata(buf, next, end);
    case 3:
      return skipHash(buf, next, end);
    case 4:
      return skipValidatorTransaction(buf, next, end);
    case 5:
      return skipBlockMetadataExt(buf, next, end);
    default:
      return skipBlockEpilogue(buf, next, end);
  }
}

function skipRawTransaction(buf: Uint8Array, pos: number, end: number): number {
  return skipFixed(25, skipPayload(buf, skipFixed(40, pos, end), end), end);
}

function skipPayload(buf: Uint8Array, pos: number, end: number): number {
  const next = pos + 1;
  switch (variantAt(buf, pos, end, 6, 'TransactionPayload')) {
    case 0:
      return skipScript(buf, next, end);
    case 1:
      return skipU64(buf, next, end);
    case 2:
      return skipEntryFunction(buf, next, end);
    case 3:
      return skipOption(buf, skipAddress(buf, next, end), end, skipMultisigPayload);
    case 4:
      return skipPayloadV1(buf, next, end);
    default:
      throw new UnknownForm(ENCRYPTED_PAYLOAD, 5, pos);
  }
}

/** The chain may hash this payload in another form than the stored one. */
export const ENCRYPTED_PAYLOAD = 'TransactionPayload (encrypted)';

const skipTypeTagItem: Skip = (buf, pos, end) => skipTypeTag(buf, pos, end);

export function skipScript(buf: Uint8Array, pos: number, end: number): number {
  const types = skipSequence(buf, skipBytes(buf, pos, end), end, skipTypeTagItem);
  return skipSequence(buf, types, end, skipTransactionArgument);
}

const ARGUMENT_SIZES = [1, 8, 16, 32, -1, 1, 2, 4, 32, -1, 1, 2, 4, 8, 16, 32];

function skipTransactionArgument(buf: Uint8Array, pos: number, end: number): number {
  const variant = variantAt(buf, pos, end, ARGUMENT_SIZES.length, 'TransactionArgument');
  if (variant === 5) return skipTag(buf, pos + 1, end);
  const size = ARGUMENT_SIZES[variant]!;
  return size < 0 ? skipBytes(buf, pos + 1, end) : skipFixed(size, pos + 1, end);
}

function skipEntryFunction(buf: Uint8Array, pos: number, end: number): number {
  const module = skipString(buf, skipAddress(buf, pos, end), end);
  const types = skipSequence(buf, skipString(buf, module, end), end, skipTypeTagItem);
  return skipSequence(buf, types, end, skipBytes);
}

function skipMultisigPayload(buf: Uint8Array, pos: number, end: number): number {
  variantAt(buf, pos, end, 1, 'MultisigTransactionPayload');
  return skipEntryFunction(buf, pos + 1, end);
}

function skipPayloadV1(buf: Uint8Array, pos: number, end: number): number {
  variantAt(buf, pos, end, 1, 'TransactionPayloadInner');
  const extra = skipExecutable(buf, pos + 1, end);
  const variant = variantAt(buf, extra, end, 2, 'TransactionExtraConfig');
  const nonce = skipOption(buf, extra + 1, end, skipAddress);
  const next = skipOption(buf, nonce, end, skipU64);
  return variant === 0 ? next : skipTag(buf, next, end);
}

function skipExecutable(buf: Uint8Array, pos: number, end: number): number {
  switch (variantAt(buf, pos, end, 4, 'TransactionExecutable')) {
    case 0:
      return skipScript(buf, pos + 1, end);
    case 1:
      return skipEntryFunction(buf, pos + 1, end);
    default:
      return pos + 1;
  }
}

function skipGenesis(buf: Uint8Array, pos: number, end: number): number {
  if (variantAt(buf, pos, end, 2, 'WriteSetPayload') === 0) {
    return skipContractEvents(buf, skipWriteSet(buf, pos + 1, end), end);
  }
  return skipScript(buf, skipAddress(buf, pos + 1, end), end);
}

function skipBlockMetadata(buf: Uint8Array, pos: number, end: number): number {
  const votes = skipBytes(buf, skipFixed(80, pos, end), end);
  return skipU64(buf, skipSequence(buf, votes, end, skipU32), end);
}

function skipBlockMetadataExt(buf: Uint8Array, pos: number, end: number): number {
  const variant = variantAt(buf, pos, end, 4, 'BlockMetadataExt');
  const metadata = skipBlockMetadata(buf, pos + 1, end);
  if (variant === 0) return metadata;
  const randomness = skipOption(buf, metadata, end, skipRoundAndBytes);
  if (variant === 1) return randomness;
  return skipOption(buf, randomness, end, variant === 2 ? skipRoundAndBytes : skipDecryptionKey);
}

const skipRoundAndBytes: Skip = (buf, pos, end) => skipBytes(buf, skipFixed(16, pos, end), end);
const skipDecryptionKey: Skip = (buf, pos, end) =>
  skipU64(buf, skipRoundAndBytes(buf, pos, end), end);

function skipValidatorTransaction(buf: Uint8Array, pos: number, end: number): number {
  const variant = variantAt(buf, pos, end, 3, 'ValidatorTransaction');
  if (variant === 1) {
    const version = skipU64(buf, skipBytes(buf, pos + 1, end), end);
    return skipAggregateSignature(buf, skipSequence(buf, version, end, skipJwk), end);
  }
  const transcript = skipBytes(buf, skipFixed(40, pos + 1, end), end);
  if (variant === 0) return transcript;
  return skipBytes(buf, skipAggregateSignature(buf, transcript, end), end);
}

const skipJwk: Skip = (buf, pos, end) => skipBytes(buf, skipString(buf, pos, end), end);

const skipAggregateSignature: Skip = (buf, pos, end) =>
  skipOption(buf, skipBytes(buf, pos, end), end, skipBytes);

function skipBlockEpilogue(buf: Uint8Array, pos: number, end: number): number {
  const variant = variantAt(buf, pos, end, 2, 'BlockEpiloguePayload');
  const info = skipHash(buf, pos + 1, end);
  variantAt(buf, info, end, 1, 'BlockEndInfo');
  const limits = skipTag(buf, skipTag(buf, info + 1, end), end);
  const next = skipFixed(16, limits, end);
  if (variant === 0) return next;
  variantAt(buf, next, end, 1, 'FeeDistribution');
  return skipSequence(buf, next + 1, end, (_buf, at, stop) => skipFixed(16, at, stop));
}
