import { AptosDataError, type AptosErrorCode } from '../data-error.js';
import type { JsonObject, JsonValue } from './json.js';

const MAX_U64 = 0xffff_ffff_ffff_ffffn;

/**
 * Reads the fields of a stored JSON object one by one and checks each. `rest` returns the fields that were not read.
 * Its methods throw AptosDataError with the given code; the message names the object and the field.
 */
export class Fields {
  private readonly left: Map<string, JsonValue>;

  constructor(
    value: JsonValue | undefined,
    private readonly what: string,
    private readonly code: AptosErrorCode,
  ) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw this.invalid('it is not a JSON object');
    }
    this.left = new Map(Object.entries(value));
  }

  u64(name: string): bigint {
    const value = this.take(name);
    if (typeof value !== 'bigint' || value < 0n || value > MAX_U64) {
      throw this.invalid(`${name} is not a whole number from 0 to 2^64-1`);
    }
    return value;
  }

  string(name: string): string {
    const value = this.take(name);
    if (typeof value !== 'string') throw this.invalid(`${name} is not a string`);
    return value;
  }

  /** A hash of 64 hex digits, returned in lower case. */
  hash(name: string): string {
    const value = this.string(name);
    if (!/^[0-9a-fA-F]{64}$/.test(value)) throw this.invalid(`${name} is not 64 hex digits`);
    return value.toLowerCase();
  }

  /** A whole number up to 2^53-1, as `number`. */
  count(name: string): number {
    const value = this.u64(name);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.invalid(`${name} is too large`);
    return Number(value);
  }

  /** A whole number that is stored as text in decimal, returned as text. */
  decimal(name: string): string {
    const value = this.string(name);
    if (!/^(0|[1-9][0-9]{0,19})$/.test(value)) throw this.invalid(`${name} is not a number`);
    return value;
  }

  optionalHash(name: string): string | undefined {
    return this.left.has(name) ? this.hash(name) : undefined;
  }

  list(name: string): JsonValue[] {
    const value = this.take(name);
    if (!Array.isArray(value)) throw this.invalid(`${name} is not a list`);
    return value;
  }

  object(name: string): JsonObject {
    const value = this.take(name);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw this.invalid(`${name} is not an object`);
    }
    return value;
  }

  optional(name: string): JsonValue | undefined {
    const value = this.left.get(name);
    this.left.delete(name);
    return value;
  }

  /** The fields that were not read, to write the object again with them. Undefined when there are none. */
  rest(): JsonObject | undefined {
    return this.left.size === 0 ? undefined : Object.fromEntries(this.left);
  }

  invalid(why: string): AptosDataError {
    return new AptosDataError(this.code, `${this.what}: ${why}`);
  }

  private take(name: string): JsonValue {
    const value = this.left.get(name);
    if (value === undefined) throw this.invalid(`${name} is missing`);
    this.left.delete(name);
    return value;
  }
}
