import type { Traffic } from '../../node/traffic.js';
import type { Job } from '../../plan/job.js';
import type { Proven, Range, RangeResult, Unit } from '../../plan/unit.js';

/** What the main thread and a range thread say to each other. Plain data only. */
export interface RangeTask {
  job: Job;
  unit: Unit;
  range: Range;
}

export type ToThread =
  | { kind: 'run'; task: RangeTask; node: string }
  | { kind: 'cancel' }
  | { kind: 'proven'; id: number; proven: Proven }
  | { kind: 'not proven'; id: number; error: PlainError };

export type FromThread =
  | { kind: 'progress'; phase: string; records: number; bytes: number }
  | { kind: 'traffic'; traffic: Traffic }
  /** A ledger info to be proven by the epoch history, which lives in the main thread; without `last`, one that ends its epoch. */
  | { kind: 'prove'; id: number; ledgerInfo: Uint8Array; last?: bigint }
  | { kind: 'done'; result: RangeResult }
  | { kind: 'failed'; error: PlainError };

/** An error of ours as data; class and stack stay behind, code and wording go on. */
export interface PlainError {
  name: string;
  message: string;
  code?: string;
  retryable?: boolean;
  stack?: string;
}

export function toPlain(error: unknown): PlainError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { code, retryable } = error as { code?: unknown; retryable?: unknown };
  return {
    name: error.name,
    message: error.message,
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof retryable === 'boolean' ? { retryable } : {}),
    ...(error.stack === undefined ? {} : { stack: error.stack }),
  };
}

export function fromPlain(plain: PlainError): Error {
  const error = new Error(plain.message);
  return Object.assign(error, plain);
}
