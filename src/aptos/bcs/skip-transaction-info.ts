import {
  skipAddress,
  skipFixed,
  skipOption,
  skipOptionalHash,
  skipString,
  variantAt,
} from './skip.js';

/** ExecutionStatus. */
export function skipExecutionStatus(buf: Uint8Array, pos: number, end: number): number {
  const next = pos + 1;
  switch (variantAt(buf, pos, end, 5, 'ExecutionStatus')) {
    case 2: {
      const code = skipFixed(8, skipAbortLocation(buf, next, end), end);
      return skipOption(buf, code, end, skipAbortInfo);
    }
    case 3:
      return skipFixed(4, skipAbortLocation(buf, next, end), end);
    case 4:
      return skipOption(buf, next, end, (_buf, at, stop) => skipFixed(8, at, stop));
    default:
      return next;
  }
}

function skipAbortLocation(buf: Uint8Array, pos: number, end: number): number {
  if (variantAt(buf, pos, end, 2, 'AbortLocation') === 1) return pos + 1;
  return skipString(buf, skipAddress(buf, pos + 1, end), end);
}

function skipAbortInfo(buf: Uint8Array, pos: number, end: number): number {
  return skipString(buf, skipString(buf, pos, end), end);
}

/** Positions of some hashes of a transaction info in the buffer. */
export interface TransactionInfoSlots {
  transactionHash: number;
  /** The auxiliary info hash, or -1 when there is none. */
  auxiliaryInfoHash: number;
}

/**
 * TransactionInfo V0 or V1. Fills `slots`. The event root and the write set hash follow directly behind the
 * transaction hash.
 */
export function skipTransactionInfo(
  buf: Uint8Array,
  pos: number,
  end: number,
  slots: TransactionInfoSlots,
): number {
  const variant = variantAt(buf, pos, end, 2, 'TransactionInfo');
  const hashes = skipExecutionStatus(buf, skipFixed(8, pos + 1, end), end);
  return skipInfoHashes(buf, hashes, end, variant, slots);
}

/** The part of a transaction info behind gas and status. `hashes` is its position, `variant` that of the info. */
export function skipInfoHashes(
  buf: Uint8Array,
  hashes: number,
  end: number,
  variant: number,
  slots: TransactionInfoSlots,
): number {
  slots.transactionHash = hashes;
  let next = skipOptionalHash(buf, skipFixed(96, hashes, end), end);
  if (variant === 1) next = skipOptionalHash(buf, next, end);
  const auxiliary = next;
  next = skipOptionalHash(buf, next, end);
  slots.auxiliaryInfoHash = next === auxiliary + 1 ? -1 : auxiliary + 1;
  if (variant === 1) for (let i = 0; i < 8; i += 1) next = skipOptionalHash(buf, next, end);
  return next;
}

/** PersistedAuxiliaryInfo: none, V1, or the variant whose timestamp is not assigned yet. */
export function skipPersistedAuxiliaryInfo(buf: Uint8Array, pos: number, end: number): number {
  return variantAt(buf, pos, end, 3, 'PersistedAuxiliaryInfo') === 0
    ? pos + 1
    : skipFixed(5, pos, end);
}
