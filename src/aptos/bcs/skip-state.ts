import {
  type Skip,
  invalidAt,
  lastUleb,
  skipAddress,
  skipBytes,
  skipFixed,
  skipLength,
  skipSequence,
  skipString,
  variantAt,
} from './skip.js';

/** How deep type tags may nest. Deeper input is refused, because it could exhaust the stack. */
const MAX_TYPE_DEPTH = 32;

/** TypeTag: primitives, vector, struct, function. */
export function skipTypeTag(buf: Uint8Array, pos: number, end: number, depth = 0): number {
  const variant = variantAt(buf, pos, end, 18, 'TypeTag');
  if (variant === 6) return skipTypeTag(buf, pos + 1, end, deeper(depth, pos));
  if (variant === 7) return skipStructTag(buf, pos + 1, end, deeper(depth, pos));
  if (variant === 11) return skipFunctionTag(buf, pos + 1, end, deeper(depth, pos));
  return pos + 1;
}

function deeper(depth: number, pos: number): number {
  if (depth >= MAX_TYPE_DEPTH) throw invalidAt('type tags nest too deep', pos);
  return depth + 1;
}

export function skipStructTag(buf: Uint8Array, pos: number, end: number, depth = 0): number {
  const module = skipAddress(buf, pos, end);
  const name = skipString(buf, module, end);
  return skipTypeTags(buf, skipString(buf, name, end), end, depth);
}

function skipTypeTags(buf: Uint8Array, pos: number, end: number, depth: number): number {
  let next = skipLength(buf, pos, end);
  const count = lastUleb;
  if (count > end - next) throw invalidAt(`${count} type arguments do not fit`, pos);
  for (let i = 0; i < count; i += 1) next = skipTypeTag(buf, next, end, depth);
  return next;
}

function skipFunctionTag(buf: Uint8Array, pos: number, end: number, depth: number): number {
  let next = pos;
  for (let list = 0; list < 2; list += 1) {
    next = skipLength(buf, next, end);
    const count = lastUleb;
    if (count > end - next) throw invalidAt(`${count} parameters do not fit`, pos);
    for (let i = 0; i < count; i += 1) {
      variantAt(buf, next, end, 3, 'FunctionParamOrReturnTag');
      next = skipTypeTag(buf, next + 1, end, depth);
    }
  }
  return skipFixed(1, next, end);
}

/** StateKey: access path, table item or raw. */
export function skipStateKey(buf: Uint8Array, pos: number, end: number): number {
  const variant = variantAt(buf, pos, end, 3, 'StateKey');
  return variant === 2 ? skipBytes(buf, pos + 1, end) : skipBytes(buf, pos + 33, end);
}

/** Metadata of a state value: V0 or V1. */
export function skipStateMetadata(buf: Uint8Array, pos: number, end: number): number {
  return skipFixed(variantAt(buf, pos, end, 2, 'StateValueMetadata') === 0 ? 17 : 25, pos, end);
}

/** StateValue: bare bytes or bytes with metadata. */
export function skipStateValue(buf: Uint8Array, pos: number, end: number): number {
  const variant = variantAt(buf, pos, end, 2, 'StateValue');
  const next = skipBytes(buf, pos + 1, end);
  return variant === 0 ? next : skipStateMetadata(buf, next, end);
}

/** WriteOp: creation, modification, deletion, each with or without metadata. */
export function skipWriteOp(buf: Uint8Array, pos: number, end: number): number {
  switch (variantAt(buf, pos, end, 6, 'WriteOp')) {
    case 0:
    case 1:
      return skipBytes(buf, pos + 1, end);
    case 2:
      return pos + 1;
    case 5:
      return skipStateMetadata(buf, pos + 1, end);
    default:
      return skipStateMetadata(buf, skipBytes(buf, pos + 1, end), end);
  }
}

/** WriteSet: a map, so its keys must ascend by their bytes. */
export function skipWriteSet(buf: Uint8Array, pos: number, end: number): number {
  variantAt(buf, pos, end, 1, 'WriteSet');
  let next = skipLength(buf, pos + 1, end);
  const count = lastUleb;
  if (count > end - next) throw invalidAt(`${count} writes do not fit`, pos);
  let previous = 0;
  let previousEnd = 0;
  for (let i = 0; i < count; i += 1) {
    const key = next;
    const keyEnd = skipStateKey(buf, key, end);
    if (i > 0 && !ascends(buf, previous, previousEnd, key, keyEnd)) {
      throw invalidAt('write set keys do not ascend', key);
    }
    next = skipWriteOp(buf, keyEnd, end);
    previous = key;
    previousEnd = keyEnd;
  }
  return next;
}

function ascends(buf: Uint8Array, a: number, aEnd: number, b: number, bEnd: number): boolean {
  const common = Math.min(aEnd - a, bEnd - b);
  for (let i = 0; i < common; i += 1) {
    const difference = buf[b + i]! - buf[a + i]!;
    if (difference !== 0) return difference > 0;
  }
  return aEnd - a < bEnd - b;
}

/** ContractEvent: V1 (by event key) or V2 (module event). */
export function skipContractEvent(buf: Uint8Array, pos: number, end: number): number {
  const variant = variantAt(buf, pos, end, 2, 'ContractEvent');
  const tag = variant === 0 ? skipFixed(49, pos, end) : pos + 1;
  return skipBytes(buf, skipTypeTag(buf, tag, end), end);
}

export const skipContractEvents: Skip = (buf, pos, end) =>
  skipSequence(buf, pos, end, skipContractEvent);
