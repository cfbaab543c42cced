import { AptosDataError } from '../data-error.js';

/** JSON in which every integer is a `bigint`, so that u64 values above 2^53 stay exact. */
export type JsonValue =
  null | boolean | bigint | number | string | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

const MAX_DEPTH = 64;
const NUMBER = /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const BLANK = /[ \t\r\n]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;

/** Reads JSON; integers become `bigint`, other numbers `number`. @throws AptosDataError JSON_INVALID */
export function parseJson(text: string): JsonValue {
  const parser = new Parser(text);
  const value = parser.value(0);
  parser.end();
  return value;
}

/** Compact JSON as the stock tool writes it; `bigint` becomes a bare integer. */
export function stringifyJson(value: JsonValue): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(stringifyJson).join(',')}]`;
  const fields = Object.entries(value).map(([k, v]) => `${JSON.stringify(k)}:${stringifyJson(v)}`);
  return `{${fields.join(',')}}`;
}

class Parser {
  private at = 0;

  constructor(private readonly text: string) {}

  value(depth: number): JsonValue {
    if (depth > MAX_DEPTH) throw this.invalid('it nests too deep');
    this.match(BLANK);
    const value = this.bare(depth);
    this.match(BLANK);
    return value;
  }

  end(): void {
    if (this.at < this.text.length) throw this.invalid('there is more after the value');
  }

  private bare(depth: number): JsonValue {
    switch (this.text[this.at]) {
      case '{':
        return this.object(depth);
      case '[':
        return this.array(depth);
      case '"':
        return this.string();
      case 't':
        return this.word('true', true);
      case 'f':
        return this.word('false', false);
      case 'n':
        return this.word('null', null);
      case undefined:
      default:
        return this.number();
    }
  }

  private object(depth: number): JsonObject {
    const fields: JsonObject = {};
    this.at += 1;
    this.match(BLANK);
    if (this.take('}')) return fields;
    do {
      this.match(BLANK);
      const name = this.string();
      this.match(BLANK);
      if (!this.take(':')) throw this.invalid('a colon is missing');
      if (Object.hasOwn(fields, name)) throw this.invalid(`field "${name}" comes twice`);
      // An assignment would treat "__proto__" in a special way. It must be a field like any other.
      const value = this.value(depth + 1);
      Object.defineProperty(fields, name, { value, enumerable: true, writable: true });
    } while (this.take(','));
    if (!this.take('}')) throw this.invalid('an object does not end');
    return fields;
  }

  private array(depth: number): JsonValue[] {
    const items: JsonValue[] = [];
    this.at += 1;
    this.match(BLANK);
    if (this.take(']')) return items;
    do items.push(this.value(depth + 1));
    while (this.take(','));
    if (!this.take(']')) throw this.invalid('a list does not end');
    return items;
  }

  private string(): string {
    const token = this.match(STRING);
    if (token === undefined) throw this.invalid('a string is expected');
    return JSON.parse(token) as string;
  }

  private number(): bigint | number {
    const token = this.match(NUMBER);
    if (!token) throw this.invalid('a value is expected');
    return /^-?[0-9]+$/.test(token) ? BigInt(token) : Number(token);
  }

  private word<T extends JsonValue>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) throw this.invalid('a value is expected');
    this.at += word.length;
    return value;
  }

  private take(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at += 1;
    return true;
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  private invalid(why: string): AptosDataError {
    return new AptosDataError('JSON_INVALID', `not valid JSON: ${why} (at character ${this.at})`);
  }
}
