import * as v from 'valibot';
import { type GcAnswer, gcAnswer, pruneAnswer } from './answers/retention-answers.js';
import { parseRunMemory } from './run-memory.js';
import { text, wholeNumber } from './shape.js';

/** What one run of a prune hands to the next. */
export type PruneMemory = v.InferOutput<typeof pruneMemory>;
const pruneMemory = v.object({
  /** The plan at the beginning. */
  plan: pruneAnswer,
  count: wholeNumber,
  bytes: wholeNumber,
});

/** What one run of a gc hands to the next. */
export type GcMemory = v.InferOutput<typeof gcMemory>;
const gcMemory = v.object({
  after: text,
  found: v.omit(gcAnswer, ['storage', 'done']),
});

/** @throws InputError */
export function parsePruneMemory(raw: unknown): PruneMemory | undefined {
  return parseRunMemory(pruneMemory, 'a workflow', raw);
}

/** @throws InputError */
export function parseGcMemory(raw: unknown): GcMemory | undefined {
  return parseRunMemory(gcMemory, 'a workflow', raw);
}

type GcFound = Omit<GcAnswer, 'storage' | 'done'>;
const MOST_LISTED = 50;

/** Two parts of a gc as one. */
export function addGc(a: GcFound, b: GcFound): GcFound {
  const blocked = a.blocked ?? b.blocked;
  return {
    removed: [...a.removed, ...b.removed].slice(0, MOST_LISTED),
    removed_count: a.removed_count + b.removed_count,
    removed_bytes: a.removed_bytes + b.removed_bytes,
    waiting: a.waiting + b.waiting,
    waiting_bytes: a.waiting_bytes + b.waiting_bytes,
    left: [...a.left, ...b.left].slice(0, MOST_LISTED),
    left_count: a.left_count + b.left_count,
    unfinished_removed: a.unfinished_removed + b.unfinished_removed,
    unfinished_left: a.unfinished_left + b.unfinished_left,
    leases_removed: a.leases_removed + b.leases_removed,
    denied: a.denied || b.denied,
    ...(blocked === undefined ? {} : { blocked }),
  };
}
