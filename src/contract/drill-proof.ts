import { type Span, spanOf, without } from '../lib/spans.js';
import type { Coverage } from './answers/verify-answers.js';

/** What must be proven before a restore is said to be possible. */
export interface ToProve {
  /** Versions of transactions; absent: none. */
  transactions: Span | undefined;
  /** The version of the snapshot. */
  snapshot: string;
}

/** What a verification leaves unproven of it, in words; empty: nothing. */
export function leftUnproven(
  { transactions, state_snapshots: snapshots, findings, finding_count: count }: Coverage,
  wanted: ToProve,
): string[] {
  const isProven = ({ proven }: { proven: string }) => proven !== 'not yet proven';
  const versions = wanted.transactions ? [wanted.transactions] : [];
  const left = without(versions, transactions.filter(isProven).map(spanOf));
  const snapshot = snapshots.find(({ version }) => version === wanted.snapshot);
  return [
    ...findings.slice(0, MOST_NAMED).map(({ object, why }) => `${object}: ${why}`),
    ...(count > MOST_NAMED ? [`${count - MOST_NAMED} more findings`] : []),
    ...left.map(({ first, last }) => `transactions ${first} to ${last} are not proven`),
    ...(snapshot && isProven(snapshot)
      ? []
      : [`the state snapshot of version ${wanted.snapshot} is not proven`]),
  ];
}

const MOST_NAMED = 10;
