import * as v from 'valibot';
import type { Span } from '../lib/spans.js';
import type { RestoreRun, RestoreSource } from './restorable.js';
import { flag, span, text, u64Text } from './shape.js';

const run = v.object({
  ...span.entries,
  from: u64Text,
  to: u64Text,
  damaged: v.exactOptional(flag),
});
type TextRun = v.InferOutput<typeof run>;

/** A `RestoreSource` as it travels in payloads. */
export type StoredForRestore = v.InferOutput<typeof storedForRestoreSchema>;
export const storedForRestoreSchema = v.object({
  epochs: v.array(run),
  transactions: v.array(run),
  snapshots: v.array(
    v.object({ epoch: u64Text, version: u64Text, damaged: v.exactOptional(flag) }),
  ),
  unreadable: v.exactOptional(text),
});

/** More runs than these do not change how far a restore gets from 0 on. */
const MOST_RUNS = 200;
const MOST_NEWEST = 100;
const MOST_OLDEST = 20;

/** Bounds a `RestoreSource`: the lowest runs, and of very many snapshots the newest and the oldest. */
export function storedForRestore(source: RestoreSource): StoredForRestore {
  const { epochs, transactions, snapshots, unreadable } = source;
  const few =
    snapshots.length <= MOST_NEWEST + MOST_OLDEST
      ? snapshots
      : [...snapshots.slice(0, MOST_OLDEST), ...snapshots.slice(-MOST_NEWEST)];
  return {
    epochs: joinRuns(epochs).slice(0, MOST_RUNS).map(textOf),
    transactions: joinRuns(transactions).slice(0, MOST_RUNS).map(textOf),
    snapshots: few.map(({ epoch, version, damaged }) => {
      return { epoch: `${epoch}`, version: `${version}`, ...(damaged ? { damaged } : {}) };
    }),
    ...(unreadable === undefined ? {} : { unreadable }),
  };
}

export function restoreSource(stored: StoredForRestore): RestoreSource {
  const { epochs, transactions, snapshots, unreadable } = stored;
  return {
    epochs: epochs.map(runOf),
    transactions: transactions.map(runOf),
    snapshots: snapshots.map(({ epoch, version, ...rest }) => {
      return { ...rest, epoch: BigInt(epoch), version: BigInt(version) };
    }),
    ...(unreadable === undefined ? {} : { unreadable }),
  };
}

/** Adds a backup that was committed after the survey. */
export function addStoredSnapshot(
  stored: StoredForRestore,
  snapshot: { epoch: string; version: string },
): void {
  const others = stored.snapshots.filter((s) => s.version !== snapshot.version);
  stored.snapshots = [...others, snapshot].sort((a, b) =>
    BigInt(a.version) < BigInt(b.version) ? -1 : 1,
  );
}

// The result does not say where its first epoch ends: only that it is after the end of the epoch
// before.
export function addStoredRun(
  stored: StoredForRestore,
  kind: 'epochs' | 'transactions',
  span: Span,
  versionsOf: (before: bigint) => { from: bigint; to: bigint },
): void {
  const within = (run: RestoreRun) => run.first >= span.first && run.last <= span.last;
  const others = stored[kind].map(runOf).filter((run) => !(run.damaged && within(run)));
  if (others.some((run) => run.first <= span.first && span.last <= run.last)) return;
  const before = others.findLast((run) => run.last < span.first)?.to ?? -1n;
  stored[kind] = joinRuns([...others, { ...span, ...versionsOf(before) }]).map(textOf);
}

/** Sorts runs and joins those that follow each other exactly. Damaged ones stay separate. */
function joinRuns(runs: readonly RestoreRun[]): RestoreRun[] {
  const joined: RestoreRun[] = [];
  const sorted = [...runs].sort((a, b) =>
    a.first === b.first ? (a.last < b.last ? -1 : 1) : a.first < b.first ? -1 : 1,
  );
  for (const run of sorted) {
    const before = joined.at(-1);
    if (before && !before.damaged && !run.damaged && run.first === before.last + 1n) {
      before.last = run.last;
      before.to = run.to;
    } else {
      joined.push({ ...run });
    }
  }
  return joined;
}

function runOf({ first, last, from, to, damaged }: TextRun): RestoreRun {
  const numbers = { first: BigInt(first), last: BigInt(last), from: BigInt(from), to: BigInt(to) };
  return { ...numbers, ...(damaged ? { damaged } : {}) };
}

function textOf({ first, last, from, to, damaged }: RestoreRun): TextRun {
  const texts = { first: `${first}`, last: `${last}`, from: `${from}`, to: `${to}` };
  return { ...texts, ...(damaged ? { damaged } : {}) };
}
