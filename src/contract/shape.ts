import * as v from 'valibot';
import { parseU64 } from '../lib/u64.js';

/**
 * Schemas of data that our own code hands on: u64 values are decimal strings. A person may have typed it
 * anyway, so each receiver checks it. Unknown fields are ignored.
 */

/** A `Date` cannot hold more milliseconds than this. */
const MOST_MS = 8.64e15;

export const text = v.string();
export const flag = v.boolean();
/** Unix milliseconds. */
export const time = v.pipe(
  v.custom<number>((value) => typeof value === 'number' && Math.abs(value) <= MOST_MS),
  v.title('unix ms'),
);
/** Unix milliseconds from 1970 on, without a fraction. */
export const timeSince1970 = v.pipe(
  time,
  v.check((ms) => Number.isSafeInteger(ms) && ms >= 0),
);
export const u64Text = v.pipe(
  v.custom<string>((value) => typeof value === 'string' && parseU64(value) !== undefined),
  v.title('u64'),
);
/** A whole number from 0 on. */
export const wholeNumber = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** A field on which no decision and no code depends. It has a type, but no check. */
export function told<T>() {
  return v.custom<T>(() => true);
}

/** A run of epochs or versions; both ends inclusive. */
export const span = v.object({ first: u64Text, last: u64Text });
