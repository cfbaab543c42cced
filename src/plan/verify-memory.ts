import { InputError, isConcurrency } from './input.js';
import {
  type Check,
  isCount,
  isFlag,
  isText,
  isTime,
  isU64,
  listOf,
  optional,
  withFields,
} from './shape.js';
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

const isSum: Check = (value) => typeof value === 'string' && /^[0-9]{1,40}$/.test(value);

const span = { first: isU64, last: isU64, proven: isText };
const frontiers = { inFrontier: isText, outFrontier: isText };

const totals = withFields({
  findings: listOf(withFields({ object: isText, code: isText, why: isText })),
  findingCount: isCount,
  pieces: listOf(withFields({ ...span, ...frontiers, head: isText, tail: isText })),
  unlistedPieces: isCount,
  snapshots: listOf(
    withFields({
      ...{ epoch: isU64, version: isU64, manifest: isText, proven: isText },
      ...{ chunks: isCount, of: isCount, items: isSum, ofItems: isSum },
    }),
  ),
  unlistedSnapshots: isCount,
  epochs: listOf(withFields(span)),
  epochsEndAt: optional(isU64),
  genesis: optional(isText),
  genesisConfirmed: isFlag,
  records: isSum,
  bytes: isCount,
  objects: isCount,
  skipped: isCount,
  endings: withFields({ bytes: isCount, objects: isCount }),
});

const isMemory = withFields({
  cursor: withFields({ kind: isText, first: isU64, manifest: isText, from: isCount }),
  totals,
  frozen: withFields({ endVersion: optional(isU64), snapshotBefore: optional(isU64) }),
  startedAt: (value) => isCount(value) && isTime(value),
  concurrency: optional(isConcurrency),
});
