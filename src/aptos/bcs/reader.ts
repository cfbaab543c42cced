import { AptosDataError, UnknownForm } from '../data-error.js';
import { decodeUtf8 } from './utf8.js';

/**
 * A strict reader of BCS (docs/formats.md, BCS): it accepts canonical encodings only. Byte strings that it returns
 * are views into the input. Its methods throw AptosDataError BCS_INVALID with the offset.
 */
export class BcsReader {
  readonly input: Uint8Array;
  private readonly view: DataView;

  constructor(
    input: Uint8Array,
    public pos = 0,
    readonly end: number = input.length,
  ) {
    // `slice` of a Buffer shares memory, `slice` of a Uint8Array copies. Callers expect the copy.
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

  /** An unsigned LEB128 up to 2^32-1, in its shortest form. */
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

  /** A count and so many items. Each item has at least one byte, so a count above the bytes left is refused at once. */
  sequence<T>(read: () => T): T[] {
    const count = this.length();
    if (count > this.end - this.pos) throw this.invalid(`${count} items do not fit`);
    const items: T[] = [];
    for (let i = 0; i < count; i += 1) items.push(read());
    return items;
  }

  /** An enum's variant index below `count`. @throws UnknownForm */
  variant(count: number, what: string): number {
    const at = this.pos;
    const index = this.uleb();
    if (index >= count) throw new UnknownForm(what, index, at);
    return index;
  }

  /** Call it after the last value. @throws AptosDataError BCS_INVALID when bytes are left over */
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
