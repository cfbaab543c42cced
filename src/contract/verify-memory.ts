import * as v from 'valibot';
import { concurrency } from './input-fields.js';
import { parseRunMemory } from './run-memory.js';
import { flag, timeSince1970, span, text, told, u64Text, wholeNumber } from './shape.js';
import type { Proven } from './unit.js';
import { unusableTotals } from './unusable.js';
import type { FindingCode } from '../errors/codes/findings-codes.js';
import type { VerifyCursor, VerifyPage } from './verification.js';
import { readAgain } from './verify-again.js';
import type { VerifyTotals } from './verify-totals.js';

/** A sum of u64 values. */
const sum = v.pipe(text, v.regex(/^[0-9]{1,40}$/));
const isText = (value: unknown) => typeof value === 'string';
const proven = v.custom<Proven>(isText);

const totals: v.GenericSchema<VerifyTotals> = v.object({
  findings: v.array(v.object({ object: text, code: v.custom<FindingCode>(isText), why: text })),
  findingCount: wholeNumber,
  pieces: v.array(
    v.object({
      ...{ ...span.entries, proven, inFrontier: text, outFrontier: text },
      ...{ head: text, tail: text },
    }),
  ),
  unlistedPieces: wholeNumber,
  snapshots: v.array(
    v.object({
      ...{ epoch: u64Text, version: u64Text, manifest: text, proven },
      ...{ chunks: wholeNumber, of: wholeNumber, items: sum, ofItems: sum },
    }),
  ),
  unlistedSnapshots: wholeNumber,
  epochs: v.array(
    v.object({
      ...{ ...span.entries, proven },
      unsigned: v.exactOptional(v.object({ ...span.entries, object: text })),
    }),
  ),
  epochsEndAt: v.exactOptional(u64Text),
  awaits: v.exactOptional(text),
  genesis: v.exactOptional(text),
  genesisConfirmed: flag,
  records: sum,
  bytes: wholeNumber,
  objects: wholeNumber,
  skipped: wholeNumber,
  unusable: unusableTotals,
  readAgain,
  ledgerEpoch: v.exactOptional(u64Text),
  endings: v.object({ bytes: wholeNumber, objects: wholeNumber }),
});

const cursor: v.GenericSchema<VerifyCursor> = v.object({
  kind: v.custom<VerifyCursor['kind']>(isText),
  first: u64Text,
  manifest: text,
  from: wholeNumber,
  of: v.exactOptional(told<number>()),
});

const frozen: v.GenericSchema<VerifyPage['frozen']> = v.object({
  endVersion: v.exactOptional(u64Text),
  snapshotBefore: v.exactOptional(u64Text),
  share: v.exactOptional(
    v.object({
      begunAt: wholeNumber,
      upTo: v.exactOptional(v.object({ key: wholeNumber, manifest: text })),
      chance: v.exactOptional(flag),
    }),
  ),
});

/** What one run of a verification hands to the next. */
export type VerifyMemory = v.InferOutput<typeof memorySchema>;
const memorySchema = v.object({
  cursor,
  totals,
  frozen,
  startedAt: timeSince1970,
  /** The value that was set last. */
  concurrency: v.exactOptional(concurrency),
  work: v.exactOptional(v.object({ done: wholeNumber, total: v.exactOptional(wholeNumber) })),
});

/** @throws InputError */
export function parseVerifyMemory(raw: unknown): VerifyMemory | undefined {
  return parseRunMemory(memorySchema, 'a verification', raw);
}
