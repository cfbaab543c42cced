import { AptosDataError } from '../errors.js';
import { decodeUtf8 } from './utf8.js';

/**
 * Strict reader of BCS (docs/formats.md, BCS): only canonical encodings, nothing left over. Byte
 * strings are views into the input. @throws AptosDataError BCS_INVALID with the offset
 */
export class BcsReader {
  readonly input: Uint8Array;
  private readonly view: DataView;

  constructor(
    input: Uint8Array,
    public pos = 0,
    readonly end: number = input.length,
  ) {
    // A Buffer's slices share its memory; those of a plain array are copies, as readers expect.
    this.input = new Uint8Array(input.buffer, input.byteOffset, input.length);
    this.view = new DataView(input.buffer, input.byteOffset, input.length);
  }

  u8(): number {
    return this.view.getUint8(this.take(1));
  }

  u16(): number {
    return this.view.getUint16(this.take(2), true);
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  u64(): bigint {
    return this.view.getBigUint64(this.take(8), true);
  }

  u128(): bigint {
    const low = this.u64();
    return (this.u64() << 64n) | low;
  }

  bool(): boolean {
    const value = this.u8();
    if (value > 1) throw this.invalid(`bool byte ${value}`);
    return value === 1;
  }

  /** An unsigned LEB128 up to 2^32-1, minimal. */
  uleb(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) throw this.invalid('uleb128 is not minimal');
        if (value > 0xffff_ffff) throw this.invalid('uleb128 is above 2^32-1');
        return value;
      }
    }
    throw this.invalid('uleb128 is longer than 5 bytes');
  }

  /** A length or count. */
  length(): number {
    const value = this.uleb();
    if (value > 0x7fff_ffff) throw this.invalid(`length ${value} is above 2^31-1`);
    return value;
  }

  fixed(size: number): Uint8Array {
    const at = this.take(size);
    return this.input.subarray(at, at + size);
  }

  bytes(): Uint8Array {
    return this.fixed(this.length());
  }

  string(): string {
    const at = this.pos;
    const bytes = this.bytes();
    const text = decodeUtf8(bytes);
    if (text === undefined) throw this.invalid('string is not UTF-8', at);
    return text;
  }

  option<T>(read: () => T): T | undefined {
    return this.bool() ? read() : undefined;
  }

  /** Items of at least one byte each; a count that cannot fit is refused before anything is read. */
  sequence<T>(read: () => T): T[] {
    const count = this.length();
    if (count > this.end - this.pos) throw this.invalid(`${count} items do not fit`);
    const items: T[] = [];
    for (let i = 0; i < count; i += 1) items.push(read());
    return items;
  }

  /** An enum's variant index below `count`. */
  variant(count: number, what: string): number {
    const index = this.uleb();
    if (index >= count) throw this.invalid(`unknown variant ${index} of ${what}`);
    return index;
  }

  /** @throws when input is left */
  finish(): void {
    if (this.pos !== this.end) throw this.invalid(`${this.end - this.pos} bytes are left over`);
  }

  invalid(why: string, at = this.pos): AptosDataError {
    return new AptosDataError('BCS_INVALID', `${why} (at byte ${at})`);
  }

  private take(size: number): number {
    const at = this.pos;
    if (size > this.end - at)
      throw this.invalid(`${size} bytes wanted, ${this.end - at} are there`);
    this.pos = at + size;
    return at;
  }
}
