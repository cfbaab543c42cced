/**
 * Steps over BCS values without building them. Every function takes (buf, pos, end) and returns the position after
 * the value. Encodings that are not canonical are refused. So a slice that was stepped over is the only encoding of
 * its value and can be hashed as it is (docs/formats.md, BCS).
 */
import { isUtf8 } from 'node:buffer';
import { AptosDataError, UnknownForm } from '../data-error.js';

/** The value that `skipUleb` or `skipLength` read last. A variable, because returning two values would allocate. */
export let lastUleb = 0;

export function invalidAt(why: string, pos: number): AptosDataError {
  return new AptosDataError('BCS_INVALID', `${why} (at byte ${pos})`);
}

export function skipFixed(size: number, pos: number, end: number): number {
  const next = pos + size;
  if (next > end) throw invalidAt(`${size} bytes wanted, ${end - pos} are there`, pos);
  return next;
}

/** An unsigned LEB128 up to 2^32-1; sets `lastUleb`. */
export function skipUleb(buf: Uint8Array, pos: number, end: number): number {
  if (pos >= end) throw invalidAt('input ends', pos);
  const first = buf[pos]!;
  if (first < 0x80) {
    lastUleb = first;
    return pos + 1;
  }
  let value = first & 0x7f;
  let scale = 0x80;
  for (let i = 1; i < 5; i += 1) {
    if (pos + i >= end) throw invalidAt('input ends', pos + i);
    const byte = buf[pos + i]!;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      if (byte === 0) throw invalidAt('uleb128 is not minimal', pos);
      if (value > 0xffff_ffff) throw invalidAt('uleb128 is above 2^32-1', pos);
      lastUleb = value;
      return pos + i + 1;
    }
    scale *= 0x80;
  }
  throw invalidAt('uleb128 is longer than 5 bytes', pos);
}

/** A count or length; sets `lastUleb`. */
export function skipLength(buf: Uint8Array, pos: number, end: number): number {
  const next = skipUleb(buf, pos, end);
  if (lastUleb > 0x7fff_ffff) throw invalidAt('length is above 2^31-1', pos);
  return next;
}

export function skipBytes(buf: Uint8Array, pos: number, end: number): number {
  const at = skipLength(buf, pos, end);
  return skipFixed(lastUleb, at, end);
}

export function skipString(buf: Uint8Array, pos: number, end: number): number {
  const at = skipLength(buf, pos, end);
  const next = skipFixed(lastUleb, at, end);
  for (let i = at; i < next; i += 1) {
    if (buf[i]! >= 0x80) {
      if (!isUtf8(buf.subarray(at, next))) throw invalidAt('string is not UTF-8', at);
      break;
    }
  }
  return next;
}

/** The tag of an option or a bool. The caller finds its value at `pos`. */
export function skipTag(buf: Uint8Array, pos: number, end: number): number {
  if (pos >= end) throw invalidAt('input ends', pos);
  if (buf[pos]! > 1) throw invalidAt(`bool or option byte ${buf[pos]}`, pos);
  return pos + 1;
}

export type Skip = (buf: Uint8Array, pos: number, end: number) => number;

export function skipOption(buf: Uint8Array, pos: number, end: number, item: Skip): number {
  const next = skipTag(buf, pos, end);
  return buf[pos] === 1 ? item(buf, next, end) : next;
}

export function skipSequence(buf: Uint8Array, pos: number, end: number, item: Skip): number {
  let next = skipLength(buf, pos, end);
  const count = lastUleb;
  if (count > end - next) throw invalidAt(`${count} items do not fit`, pos);
  for (let i = 0; i < count; i += 1) next = item(buf, next, end);
  return next;
}

/**
 * The variant index at `pos`. It is one byte, because all enums have fewer than 128 variants.
 * @throws UnknownForm naming the enum when the index is `count` or above
 */
export function variantAt(
  buf: Uint8Array,
  pos: number,
  end: number,
  count: number,
  what: string,
): number {
  if (pos >= end) throw invalidAt('input ends', pos);
  const index = buf[pos]!;
  if (index < count) return index;
  skipUleb(buf, pos, end);
  throw new UnknownForm(what, lastUleb, pos);
}

export const skipAddress: Skip = (_buf, pos, end) => skipFixed(32, pos, end);
export const skipHash: Skip = (_buf, pos, end) => skipFixed(32, pos, end);
export const skipU32: Skip = (_buf, pos, end) => skipFixed(4, pos, end);
export const skipU64: Skip = (_buf, pos, end) => skipFixed(8, pos, end);
export const skipOptionalHash: Skip = (buf, pos, end) => skipOption(buf, pos, end, skipHash);
