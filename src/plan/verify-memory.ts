import { InputError, MAX_CONCURRENCY } from './input.js';
import { parseU64 } from './u64.js';
import type { VerifyCursor, VerifyPage } from './verify.js';
import type { VerifyTotals } from './verify-totals.js';

/** What one run of a verification hands to the next. */
export interface VerifyMemory {
  cursor: VerifyCursor;
  totals: VerifyTotals;
  frozen: VerifyPage['frozen'];
  startedAt: number;
  /** As it was set last. */
  concurrency?: number;
}

/** A first run has none; but anybody may start a workflow with a second argument. @throws InputError */
export function parseVerifyMemory(raw: unknown): VerifyMemory | undefined {
  if (raw === undefined) return undefined;
  if (isMemory(raw)) return raw as VerifyMemory;
  throw new InputError(
    'the second argument is what a run of a verification hands to its next; start it with one',
  );
}

type Shape = (value: unknown) => boolean;

const text: Shape = (value) => typeof value === 'string';
const flag: Shape = (value) => typeof value === 'boolean';
const count = upTo(Number.MAX_SAFE_INTEGER);
const u64: Shape = (value) => text(value) && parseU64(value) !== undefined;
const sum: Shape = (value) => typeof value === 'string' && /^[0-9]{1,40}$/.test(value);

function upTo(most: number, least = 0): Shape {
  return (value) => Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most;
}

function optional(shape: Shape): Shape {
  return (value) => value === undefined || shape(value);
}

function list(shape: Shape): Shape {
  return (value) => Array.isArray(value) && value.every(shape);
}

function object(fields: Record<string, Shape>): Shape {
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    const given = value as Record<string, unknown>;
    return Object.entries(fields).every(([name, shape]) => shape(given[name]));
  };
}

const span = { first: u64, last: u64, proven: text };
const frontiers = { inFrontier: text, outFrontier: text };

const totals = object({
  findings: list(object({ object: text, code: text, why: text })),
  findingCount: count,
  pieces: list(object({ ...span, ...frontiers, head: text, tail: text })),
  unlistedPieces: count,
  snapshots: list(
    object({
      ...{ epoch: u64, version: u64, manifest: text, proven: text },
      ...{ chunks: count, of: count, items: sum, ofItems: sum },
    }),
  ),
  unlistedSnapshots: count,
  epochs: list(object(span)),
  epochsEndAt: optional(u64),
  genesis: optional(text),
  genesisConfirmed: flag,
  records: sum,
  bytes: count,
  objects: count,
  skipped: count,
  endings: object({ bytes: count, objects: count }),
});

const LAST_TIME = 8_640_000_000_000_000;

const isMemory = object({
  cursor: object({ kind: text, first: u64, manifest: text, from: count }),
  totals,
  frozen: object({ endVersion: optional(u64), snapshotBefore: optional(u64) }),
  startedAt: upTo(LAST_TIME),
  concurrency: optional(upTo(MAX_CONCURRENCY, 1)),
});
