import type { Proven } from './unit.js';
import type { SnapshotTotals } from './verify-totals.js';
import type { EpochRun, Piece } from './verification.js';
import type { Finding, ProvenSpan } from './answers/verify-answers.js';

const OPEN: Proven = 'not yet proven';

/**
 * Marks unsigned history that transactions prove. The check of transactions
 * (verify/check-transactions.ts) has compared each unsigned epoch ending within a run of transactions
 * with the root that they give. So a proven run proves these endings. It also proves the snapshots taken
 * there, because their root proofs hold the same ledger infos.
 */
export function proveByTransactions(totals: {
  epochs: readonly EpochRun[];
  pieces: readonly Piece[];
  snapshots: readonly SnapshotTotals[];
}): { epochs: EpochRun[]; snapshots: SnapshotTotals[] } {
  const epochs = totals.epochs.map((run, i): EpochRun => {
    const proven = run.unsigned && provenBy(run.unsigned, totals.pieces);
    if (!proven) return run;
    const next = totals.epochs[i + 1]?.proven;
    // If the run leads to a chained run, that says more than how these transactions are proven.
    const { first, last } = run;
    return { first, last, proven: next?.startsWith('chained') ? next : proven };
  });
  const snapshots = totals.snapshots.map((snapshot) => {
    if (snapshot.proven !== OPEN) return snapshot;
    const run = epochs.find((one) => holds(one, snapshot.epoch));
    return run ? { ...snapshot, proven: run.proven } : snapshot;
  });
  return { epochs, snapshots };
}

function provenBy(
  { first, last }: NonNullable<EpochRun['unsigned']>,
  pieces: readonly Piece[],
): Proven | undefined {
  const covering = pieces.find((piece) => holds(piece, first) && holds(piece, last));
  return covering?.proven === OPEN ? undefined : covering?.proven;
}

function holds({ first, last }: { first: string; last: string }, number: string): boolean {
  return BigInt(first) <= BigInt(number) && BigInt(number) <= BigInt(last);
}

/** Joins neighbouring runs that are proven in the same way. */
export function joinedRuns(runs: readonly EpochRun[]): ProvenSpan[] {
  const joined: ProvenSpan[] = [];
  for (const { first, last, proven } of runs) {
    const before = joined.at(-1);
    const follows = before && BigInt(before.last) + 1n === BigInt(first);
    if (follows && before.proven === proven) before.last = last;
    else joined.push({ first, last, proven });
  }
  return joined;
}

/**
 * Unsigned epoch endings and snapshots that no transactions prove. Endings above a hole become findings
 * where they are read.
 */
export function unsignedFindings(
  epochs: readonly EpochRun[],
  snapshots: readonly SnapshotTotals[],
): Finding[] {
  const open = epochs.filter(({ unsigned }, i) => {
    const before = epochs[i - 1];
    const follows = before && BigInt(before.last) + 1n === BigInt(epochs[i]!.first);
    return unsigned !== undefined && (epochs[i]!.first === '0' || follows);
  });
  return [
    ...open.map(({ first, last, unsigned }) => {
      const why = `the ledger infos that end epochs ${first} to ${last} are unsigned history, and the stored transactions do not prove them`;
      return { object: unsigned!.object, code: 'UNPROVEN' as const, why };
    }),
    ...snapshots
      .filter(({ proven }) => proven === OPEN)
      .map(({ manifest, epoch }) => {
        const why = `its ledger info is unsigned history, and the stored transactions do not prove that of epoch ${epoch}`;
        return { object: manifest, code: 'UNPROVEN' as const, why };
      }),
  ];
}
