import { STREAMS } from './coordinator.js';
import { parseU64 } from './u64.js';

/** Checks of what should have come from our own code, but may have been typed by somebody. */
export type Check = (value: unknown) => boolean;

/** Milliseconds beyond which a Date is none. */
const MOST_MS = 8.64e15;

export const isText: Check = (value) => typeof value === 'string';
export const isFlag: Check = (value) => typeof value === 'boolean';
export const isTime: Check = (value) => typeof value === 'number' && Math.abs(value) <= MOST_MS;
export const isU64: Check = (value) => isText(value) && parseU64(value) !== undefined;
export const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function optional(check: Check): Check {
  return (value) => value === undefined || check(value);
}

export function listOf(check: Check): Check {
  return (value) => Array.isArray(value) && value.every(check);
}

/** An object with these fields, and perhaps others. */
export function withFields(fields: Record<string, Check>): Check {
  return (value) =>
    isRecord(value) && Object.entries(fields).every(([name, check]) => check(value[name]));
}

export const isSpan = withFields({ first: isU64, last: isU64 });

export const isTarget: Check = (value) =>
  isRecord(value) &&
  STREAMS.some((type) => type === value['type']) &&
  (value['type'] === 'state_snapshot' ? isU64(value['epoch']) : isSpan(value));
