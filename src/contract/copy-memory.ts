import * as v from 'valibot';
import type { Skipped } from './answers/copy-answers.js';
import type { CopyCursor, CopyFrozen } from './copying.js';
import type { CopyTotals } from './copy-totals.js';
import { copyLimits } from './copy-input.js';
import { concurrency } from './input-fields.js';
import type { BackupType } from './job.js';
import { BACKUP_TYPES } from './kinds/index.js';
import { parseRunMemory } from './run-memory.js';
import { timeSince1970, span, text, u64Text, wholeNumber } from './shape.js';

const isText = (value: unknown) => typeof value === 'string';

const totals: v.GenericSchema<CopyTotals> = v.object({
  ...{ epoch_endings: wholeNumber, transactions: wholeNumber, state_snapshots: wholeNumber },
  ...{ already_there: wholeNumber, files: wholeNumber, kept: wholeNumber, bytes: wholeNumber },
  skipped: v.array(
    v.object({
      ...{ manifest: text, object: text, code: v.custom<Skipped['code']>(isText), why: text },
    }),
  ),
  skipped_count: wholeNumber,
});

const cursor: v.GenericSchema<CopyCursor> = v.object({
  type: v.picklist<readonly BackupType[]>(BACKUP_TYPES),
  first: u64Text,
  manifest: text,
  from: wholeNumber,
  after: v.exactOptional(v.literal(true)),
});

const frozen: v.GenericSchema<CopyFrozen> = v.object({
  genesis: v.exactOptional(text),
  lastEpoch: v.exactOptional(u64Text),
  transactions: v.exactOptional(span),
  states: v.exactOptional(span),
});

/** What one run of a copy hands to the next. */
export type CopyMemory = v.InferOutput<typeof memorySchema>;
const memorySchema = v.object({
  cursor,
  frozen,
  totals,
  /** Pages that were read again since the last advance. */
  again: wholeNumber,
  startedAt: timeSince1970,
  /** The value that was set last. */
  concurrency: v.exactOptional(concurrency),
  limits: v.exactOptional(copyLimits),
});

/** @throws InputError */
export function parseCopyMemory(raw: unknown): CopyMemory | undefined {
  return parseRunMemory(memorySchema, 'a copy', raw);
}
