import * as v from 'valibot';
import { CodedError } from '../errors/coded-error.js';
import { didYouMean } from '../lib/nearest.js';
import { shorten } from '../lib/shorten.js';
import { MAX_U64, parseU64 } from '../lib/u64.js';

/**
 * The building blocks of all schemas of payloads. Only this file turns a problem of a payload into a
 * sentence. A schema's message continues after the name of its field: "must be ...", or ": ..." with a
 * colon.
 */

/** An input cannot be used. The message names the field and says what is allowed. */
export class InputError extends CodedError<'INPUT_INVALID'> {
  override readonly name = 'InputError';

  constructor(message: string) {
    super('INPUT_INVALID', message);
  }
}

/**
 * Parses a payload. `what` names the whole payload.
 * @throws InputError that begins with the name of the field
 */
export function parse<S extends v.GenericSchema>(
  schema: S,
  raw: unknown,
  what = 'the input',
): v.InferOutput<S> {
  const { success, output, issues } = v.safeParse(schema, raw);
  if (success) return output;
  // A misspelt name explains best why another field is missing.
  const issue = issues.find(isUnknownField) ?? issues[0];
  if (isUnknownField(issue)) throw new InputError(issue.message);
  const names = issue.path?.filter(({ type }) => type === 'object').map(({ key }) => key);
  throw new InputError(sentence(names?.join('.') || what, issue.message));
}

/** A schema's message after the name of its field. */
export function sentence(name: string, message: string): string {
  if (message.startsWith(name)) return message;
  return message.startsWith(':') ? `${name}${message}` : `${name} ${message}`;
}

/** The message for a value that does not fit. */
export function mustBe(what: string) {
  return ({ input }: { input: unknown }) => `must be ${what}, not ${show(input)}`;
}

/** A value as messages quote it. */
export function show(value: unknown): string {
  if (typeof value === 'bigint') return `${value}`;
  const text = value === undefined ? 'nothing' : (JSON.stringify(value) ?? typeof value);
  return shorten(text, 80);
}

/** A setting in words: a text as it is, everything else as JSON. */
export function inWords(value: unknown): string {
  return typeof value === 'string' ? value : show(value);
}

/** An object with these fields and no others. */
export function object<E extends v.ObjectEntries>(entries: E) {
  return v.pipe(
    v.custom<v.InferInput<v.ObjectSchema<E, undefined>>>(isRecord, mustBe('one JSON object')),
    v.strictObject(entries, (issue) => problemOf(issue, entries)),
  );
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function problemOf(issue: v.StrictObjectIssue, entries: v.ObjectEntries): string {
  const name = String(issue.path?.[0].key);
  if (!isUnknownField(issue)) {
    // The field is missing. Its own schema says what it must be.
    const [problem] = v.safeParse(entries[name] as v.GenericSchema, undefined).issues ?? [];
    return problem?.message ?? 'is missing';
  }
  const known = Object.keys(entries);
  const meant = didYouMean(name, known) || ';';
  return `unknown field ${show(name)}${meant} the fields are ${known.join(', ')}`;
}

function isUnknownField({ type, expected }: v.BaseIssue<unknown>): boolean {
  return type === 'strict_object' && expected === 'never';
}

/** A whole number in these bounds: a decimal string, or a number that JSON keeps exact. */
export function whole(least: bigint, most = MAX_U64) {
  const words = most === MAX_U64 ? '2^64-1' : `${most}`;
  const problem = mustBe(`a whole number from ${least} to ${words}`);
  return v.pipe(
    v.custom<string | number>(
      (value) => isWithin(parseU64(value), least, most),
      (issue) => `${problem(issue)}${tooLargeForJson(issue.input, most)}`,
    ),
    v.transform((value) => BigInt(value)),
    v.title(least === 0n && most === MAX_U64 ? 'u64' : `${least} to ${words}`),
  );
}

function isWithin(value: bigint | undefined, least: bigint, most: bigint): boolean {
  return value !== undefined && value >= least && value <= most;
}

function tooLargeForJson(value: unknown, most: bigint): string {
  const inexact = Number.isInteger(value) && !Number.isSafeInteger(value);
  return inexact && most === MAX_U64 ? '; write a number above 2^53 as a string' : '';
}

export const u64 = whole(0n);

/** A u64 from 1 to `most`. */
export function count(most = MAX_U64) {
  return whole(1n, most);
}

export const flag = v.boolean(mustBe('true or false'));
